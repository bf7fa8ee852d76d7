// Asks with Node's fetch: one after the other, many at once, in a stream, and with 20 MB, which is
// refused; writes what was answered.
const [url, body, count] = process.argv.slice(2);

async function ask(content) {
  const response = await fetch(`${url}/predict/xcopa`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: content,
    duplex: "half",
    signal: AbortSignal.timeout(60_000),
  });
  return response.json();
}

const answers = [await ask(Buffer.alloc(20_000_000, "x"))];
for (let call = 0; call < Number(count); call++) answers.push(await ask(body));
answers.push(...(await Promise.all(Array.from({ length: Number(count) }, () => ask(body)))));
answers.push(await ask(new Blob([body]).stream()));
process.stdout.write(JSON.stringify(answers));
