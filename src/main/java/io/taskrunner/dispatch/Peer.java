package io.taskrunner.dispatch;

import io.taskrunner.task.TargetUrl;
import java.net.InetAddress;
import java.net.InetSocketAddress;

/**
 * The peer of a connection. A connection is reused only for an equal peer: the same name, at the
 * same checked address.
 *
 * @param tls whether it uses TLS
 * @param host the name or address in the url
 * @param named whether that is a name
 * @param port 1 to 65535
 * @param address the address that the guard allowed
 */
record Peer(boolean tls, String host, boolean named, int port, InetAddress address) {

  /** The peer of a url, at one of its addresses. */
  static Peer of(TargetUrl url, InetAddress address) {
    boolean tls = url.scheme().equals("https");
    return new Peer(tls, url.host(), url.address().isEmpty(), url.port(), address);
  }

  InetSocketAddress socketAddress() {
    return new InetSocketAddress(address, port);
  }

  /** For the details of a task: such as {@code api.example.com:443 (192.0.32.7)}. */
  @Override
  public String toString() {
    String at = address.getHostAddress();
    String name = host.indexOf(':') >= 0 ? "[" + host + "]" : host;
    return name + ":" + port + (host.equals(at) ? "" : " (" + at + ")");
  }
}
