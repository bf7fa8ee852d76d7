import java.io.ByteArrayInputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublisher;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Duration;

/** Asks with Java's own client as it is: it offers HTTP/2 with each call. Prints the statuses. */
public class Ask {
  private static final HttpClient CLIENT = HttpClient.newHttpClient();

  public static void main(String[] arguments) throws Exception {
    URI uri = URI.create(arguments[0]);
    byte[] body = arguments[1].getBytes("UTF-8");
    for (int call = 0; call < 3; call++) {
      post(uri, BodyPublishers.ofByteArray(body));
      post(uri, BodyPublishers.ofInputStream(() -> new ByteArrayInputStream(body)));
    }
    post(uri, BodyPublishers.ofByteArray(new byte[20 << 20]));
  }

  private static void post(URI uri, BodyPublisher body) throws Exception {
    HttpRequest request =
        HttpRequest.newBuilder(uri)
            .header("Content-Type", "application/json")
            .timeout(Duration.ofSeconds(30))
            .POST(body)
            .build();
    System.out.println(CLIENT.send(request, BodyHandlers.ofString()).statusCode());
  }
}
