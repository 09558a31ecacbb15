import com.sun.net.httpserver.Headers;
import com.sun.net.httpserver.HttpServer;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.util.Base64;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/**
 * Receives tasks on PORT and verifies their signatures: java Receiver.java
 *
 * <p>SIGNING_SECRET has one or more secrets (whsec_…), separated by spaces.
 */
class Receiver {
  private static final Map<String, String> ENV = System.getenv();
  private static final long TOLERANCE_SEC = 300;

  static boolean isGenuine(Headers headers, byte[] body) throws GeneralSecurityException {
    String time = String.valueOf(headers.getFirst("webhook-timestamp"));
    if (!time.matches("[0-9]{1,12}")
        || Math.abs(System.currentTimeMillis() / 1000 - Long.parseLong(time)) > TOLERANCE_SEC) {
      return false;
    }
    for (String secret : ENV.get("SIGNING_SECRET").split(" ")) {
      Mac mac = Mac.getInstance("HmacSHA256");
      mac.init(new SecretKeySpec(Base64.getDecoder().decode(secret.replaceFirst("^whsec_", "")), "HmacSHA256"));
      mac.update((headers.getFirst("webhook-id") + "." + time + ".").getBytes(StandardCharsets.UTF_8));
      byte[] expected = ("v1," + Base64.getEncoder().encodeToString(mac.doFinal(body))).getBytes(StandardCharsets.UTF_8);
      for (String given : String.valueOf(headers.getFirst("webhook-signature")).split(" ")) {
        if (MessageDigest.isEqual(expected, given.getBytes(StandardCharsets.UTF_8))) return true;
      }
    }
    return false;
  }

  public static void main(String[] args) throws Exception {
    int port = Integer.parseInt(ENV.getOrDefault("PORT", "9000"));
    Set<String> seen = ConcurrentHashMap.newKeySet(); // in production: in your database, with the work
    HttpServer server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), port), 0);
    server.createContext("/", exchange -> {
      byte[] body = exchange.getRequestBody().readAllBytes();
      int status = 204; // 2xx: done; 5xx, 408, 425, 429: try again; anything else: dead
      try {
        if (!isGenuine(exchange.getRequestHeaders(), body)) status = 401;
        // The same task may arrive again, after an attempt whose answer was lost.
        else if (seen.add(exchange.getRequestHeaders().getFirst("webhook-id"))) System.out.println("received " + new String(body));
      } catch (GeneralSecurityException e) { status = 500; }
      exchange.sendResponseHeaders(status, -1);
      exchange.close();
    });
    server.start();
  }
}
