package io.taskrunner.testkit;

import io.taskrunner.Main;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/**
 * The program in a process of its own, with an environment of its own and nothing of the test's;
 * and all its output.
 */
public final class ProgramProcess implements AutoCloseable {

  private static final Duration PATIENCE = Duration.ofSeconds(60);
  private static final long POLL_NANOS = TimeUnit.MILLISECONDS.toNanos(20);
  private static final HttpClient CALLER = HttpClient.newBuilder().connectTimeout(PATIENCE).build();

  private final Process process;
  private final String url;
  private final HttpClient caller;
  private final StringBuilder output = new StringBuilder();
  private final Thread reader;

  private ProgramProcess(Process process, String url, HttpClient caller) {
    this.process = process;
    this.url = url;
    this.caller = caller;
    reader = Thread.ofVirtual().start(this::read);
  }

  /**
   * Starts it, and does not wait for anything.
   *
   * @param env its entire environment; without a {@code PORT} it gets a free one; with a {@code
   *     TLS_CERT_FILE} it is called over TLS, and that certificate trusted
   * @param words of the command line
   */
  public static ProgramProcess start(Map<String, String> env, String... words) throws IOException {
    List<String> command =
        new ArrayList<>(
            List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx256m",
                "-XX:TieredStopAtLevel=1",
                "-XX:+ExitOnOutOfMemoryError",
                "--enable-native-access=ALL-UNNAMED",
                "--sun-misc-unsafe-memory-access=allow",
                "-cp",
                System.getProperty("java.class.path"),
                Main.class.getName()));
    command.addAll(List.of(words));
    Map<String, String> whole = new HashMap<>(env);
    whole.computeIfAbsent("PORT", _ -> Integer.toString(Ports.free()));
    ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
    builder.environment().clear();
    builder.environment().putAll(whole);
    Process process = builder.start();
    process.getOutputStream().close();
    String certificate = whole.get("TLS_CERT_FILE");
    return new ProgramProcess(
        process,
        (certificate == null ? "http" : "https") + "://127.0.0.1:" + whole.get("PORT"),
        certificate == null ? CALLER : trusting(Path.of(certificate)));
  }

  private static HttpClient trusting(Path file) throws IOException {
    try (InputStream in = Files.newInputStream(file)) {
      X509Certificate certificate =
          (X509Certificate) CertificateFactory.getInstance("X.509").generateCertificate(in);
      return HttpClient.newBuilder()
          .sslContext(TestCertificate.trusting(certificate))
          .connectTimeout(PATIENCE)
          .build();
    } catch (CertificateException none) {
      throw new IOException(none);
    }
  }

  private void read() {
    try (var lines = process.inputReader()) {
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        hear(line + "\n");
      }
    } catch (IOException ended) {
      // Its output so far is complete.
    }
    hear("");
  }

  private synchronized void hear(String text) {
    output.append(text);
    notifyAll();
  }

  /** The process itself. */
  public Process process() {
    return process;
  }

  /** Its URL, without a slash at the end. */
  public String url() {
    return url;
  }

  /** Its output so far, standard output and standard error. */
  public synchronized String output() {
    return output.toString();
  }

  /** Whether its output contains this. */
  public boolean said(String text) {
    return output().contains(text);
  }

  /** Waits until its output contains this. */
  public synchronized void await(String text) throws InterruptedException {
    long deadline = System.nanoTime() + PATIENCE.toNanos();
    while (output.indexOf(text) < 0) {
      long left = deadline - System.nanoTime();
      if (left <= 0 || !reader.isAlive()) {
        throw new AssertionError("it did not say \"" + text + "\" but:\n" + output);
      }
      TimeUnit.NANOSECONDS.timedWait(this, Math.min(left, 100_000_000L));
    }
  }

  /** Waits until it has started and is ready. */
  public void awaitReady() throws InterruptedException {
    await("Task Runner listens on " + url);
    awaitReady(PATIENCE);
  }

  /**
   * Waits until it reports ready.
   *
   * @return how long that took
   */
  public Duration awaitReady(Duration atMost) throws InterruptedException {
    long began = System.nanoTime();
    while (status("/health/ready") != 200) {
      if (System.nanoTime() - began > atMost.toNanos()) {
        throw new AssertionError("not ready within " + atMost + "; it said:\n" + output());
      }
      LockSupport.parkNanos(POLL_NANOS);
    }
    return Duration.ofNanos(System.nanoTime() - began);
  }

  /** The status of its response to a GET; 0 without a response. */
  public int status(String path) throws InterruptedException {
    try {
      return get(path).statusCode();
    } catch (IOException notListening) {
      return 0;
    }
  }

  /** Gets a path. */
  public HttpResponse<String> get(String path, String... headers)
      throws IOException, InterruptedException {
    return send(HttpRequest.newBuilder(URI.create(url + path)), headers);
  }

  /** Posts JSON to a path. */
  public HttpResponse<String> post(String path, String json, String... headers)
      throws IOException, InterruptedException {
    return send(
        HttpRequest.newBuilder(URI.create(url + path))
            .header("Content-Type", "application/json")
            .POST(HttpRequest.BodyPublishers.ofString(json)),
        headers);
  }

  /** Puts JSON to a path. */
  public HttpResponse<String> put(String path, String json, String... headers)
      throws IOException, InterruptedException {
    return send(
        HttpRequest.newBuilder(URI.create(url + path))
            .header("Content-Type", "application/json")
            .PUT(HttpRequest.BodyPublishers.ofString(json)),
        headers);
  }

  /** Deletes a path. */
  public HttpResponse<String> delete(String path, String... headers)
      throws IOException, InterruptedException {
    return send(HttpRequest.newBuilder(URI.create(url + path)).DELETE(), headers);
  }

  private HttpResponse<String> send(HttpRequest.Builder request, String... headers)
      throws IOException, InterruptedException {
    if (headers.length > 0) {
      request.headers(headers);
    }
    return caller.send(request.timeout(PATIENCE).build(), HttpResponse.BodyHandlers.ofString());
  }

  /** Stops it by SIGTERM; its further output is still read. */
  public void terminate() {
    process.toHandle().destroy();
  }

  /** Sends SIGINT, as Ctrl-C does. */
  public void interrupt() throws IOException {
    Signal.INT.to(process);
  }

  /** Kills it abruptly, by SIGKILL. */
  public void kill() throws InterruptedException {
    process.destroyForcibly().waitFor();
  }

  /** Freezes it, by SIGSTOP. */
  public void freeze() throws IOException {
    Signal.STOP.to(process);
  }

  /** Continues it, by SIGCONT. */
  public void thaw() throws IOException {
    Signal.CONT.to(process);
  }

  /** Waits for its end, and returns its exit status. */
  public int end() throws InterruptedException {
    if (!process.waitFor(PATIENCE.toSeconds(), TimeUnit.SECONDS)) {
      throw new AssertionError("it did not end but said:\n" + output());
    }
    reader.join();
    return process.exitValue();
  }

  @Override
  public void close() {
    process.destroyForcibly();
  }
}
