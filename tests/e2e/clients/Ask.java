import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.io.ByteArrayInputStream;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/**
 * Asks with the JDK's HttpClient as it is made by default, first with 20 MB, which is refused;
 * writes an answer a line.
 */
class Ask {
    public static void main(String[] arguments) throws Exception {
        URI target = URI.create(arguments[0] + "/predict/xcopa");
        byte[] body = arguments[1].getBytes(StandardCharsets.UTF_8);
        int count = Integer.parseInt(arguments[2]);
        HttpClient client = HttpClient.newHttpClient();
        HttpRequest large = request(target, HttpRequest.BodyPublishers.ofByteArray(
                "x".repeat(20_000_000).getBytes(StandardCharsets.UTF_8)));
        say(client.send(large, HttpResponse.BodyHandlers.ofString()));
        HttpRequest known = request(target, HttpRequest.BodyPublishers.ofByteArray(body));
        HttpRequest streamed = request(target, HttpRequest.BodyPublishers.ofInputStream(
                () -> new ByteArrayInputStream(body)));
        for (HttpRequest request : List.of(known, streamed)) {
            for (int call = 0; call < count; call++) {
                say(client.send(request, HttpResponse.BodyHandlers.ofString()));
            }
            List<CompletableFuture<HttpResponse<String>>> running = new ArrayList<>();
            for (int call = 0; call < count; call++) {
                running.add(client.sendAsync(request, HttpResponse.BodyHandlers.ofString()));
            }
            for (CompletableFuture<HttpResponse<String>> each : running) {
                say(each.get());
            }
        }
    }

    static HttpRequest request(URI target, HttpRequest.BodyPublisher body) {
        return HttpRequest.newBuilder(target)
                .header("Content-Type", "application/json")
                .timeout(Duration.ofSeconds(60))
                .POST(body)
                .build();
    }

    static void say(HttpResponse<String> response) {
        System.out.println(response.body());
    }
}
