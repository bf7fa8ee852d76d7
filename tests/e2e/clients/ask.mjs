// Asks with Node's fetch: one after the other, then many at once; writes what was answered.
const [url, body, count] = process.argv.slice(2);

async function ask() {
  const response = await fetch(`${url}/predict/xcopa`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body,
    signal: AbortSignal.timeout(60_000),
  });
  if (!response.ok) throw new Error(`${response.status}: ${await response.text()}`);
  return response.json();
}

const answers = [];
for (let call = 0; call < Number(count); call++) answers.push(await ask());
answers.push(...(await Promise.all(Array.from({ length: Number(count) }, ask))));
process.stdout.write(JSON.stringify(answers));
