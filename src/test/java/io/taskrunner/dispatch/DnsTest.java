package io.taskrunner.dispatch;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.nio.NioIoHandler;
import io.netty.resolver.dns.SingletonDnsServerAddressStreamProvider;
import java.io.IOException;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Look-ups against a name server of the test's own. */
@Timeout(30)
final class DnsTest {

  private static final int A = 1;
  private static final int CNAME = 5;
  private static final int AAAA = 28;
  private static final int NO_SUCH_NAME = 3;

  private static EventLoopGroup loops;

  private final DatagramSocket server = socket();
  private final Map<String, List<InetAddress>> zone = new ConcurrentHashMap<>();
  private final Set<Integer> mute = ConcurrentHashMap.newKeySet();
  private final ConcurrentLinkedQueue<Integer> asked = new ConcurrentLinkedQueue<>();
  private final Set<Integer> ports = ConcurrentHashMap.newKeySet();
  private final Map<String, String> aliases = new ConcurrentHashMap<>();
  private final Set<String> unheard = ConcurrentHashMap.newKeySet();
  private final Dns dns = searching();

  @BeforeAll
  static void startLoops() {
    loops = new MultiThreadIoEventLoopGroup(1, NioIoHandler.newFactory());
  }

  @AfterAll
  static void stopLoops() {
    loops.shutdownGracefully(0, 5, TimeUnit.SECONDS);
  }

  DnsTest() {
    Thread.ofVirtual().name("name-server").start(this::serve);
  }

  private Dns searching(String... domains) {
    return new Dns(
        loops,
        new SingletonDnsServerAddressStreamProvider(
            new InetSocketAddress("127.0.0.1", server.getLocalPort())),
        List.of(domains));
  }

  @AfterEach
  void close() {
    dns.close();
    server.close();
  }

  private Set<String> lookUp(String name) throws Exception {
    return dns.lookUp(name).toCompletableFuture().get(20, TimeUnit.SECONDS).stream()
        .map(InetAddress::getHostAddress)
        .collect(Collectors.toSet());
  }

  private void say(String name, String... addresses) {
    zone.put(name, List.of(addresses).stream().map(InetAddress::ofLiteral).toList());
  }

  @Test
  void allIpv4AndIpv6AddressesAreReturned() throws Exception {
    say("both.example.", "192.0.2.1", "192.0.2.2", "2001:db8::1");
    assertEquals(Set.of("192.0.2.1", "192.0.2.2", "2001:db8:0:0:0:0:0:1"), lookUp("both.example."));
    assertEquals(Set.of(A, AAAA), Set.copyOf(asked));
  }

  @Test
  void oneAddressFamilyIsEnough() throws Exception {
    say("four.example.", "192.0.2.1");
    say("six.example.", "2001:db8::1");
    assertEquals(Set.of("192.0.2.1"), lookUp("four.example."));
    assertEquals(Set.of("2001:db8:0:0:0:0:0:1"), lookUp("six.example."));
  }

  @Test
  void lookupsAreNotCachedAndUseRandomPorts() throws Exception {
    say("moving.example.", "192.0.2.1");
    assertEquals(Set.of("192.0.2.1"), lookUp("moving.example."));
    say("moving.example.", "192.0.2.2");
    assertEquals(Set.of("192.0.2.2"), lookUp("moving.example."));
    assertTrue(ports.size() >= 2, ports.toString());
  }

  @Test
  void aNameThatDoesNotExistIsUnknown() {
    ExecutionException failed =
        assertThrows(ExecutionException.class, () -> lookUp("nowhere.example."));
    assertInstanceOf(UnknownHostException.class, failed.getCause());
  }

  @Test
  void aReplyOfOneFamilyIsUsedWhenTheOtherNeverArrives() throws Exception {
    say("half.example.", "192.0.2.1");
    mute.add(AAAA);
    long begun = System.nanoTime();
    assertEquals(Set.of("192.0.2.1"), lookUp("half.example."));
    assertTrue(TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - begun) < 5_000);
  }

  @Test
  void theHostsFileIsReadAndLocalhostNamesAreLoopback() throws Exception {
    for (String name : List.of("localhost", "localhost.", "app.localhost", "a.b.localhost.")) {
      assertTrue(lookUp(name).contains("127.0.0.1"), name);
    }
  }

  @Test
  void aChainOfAliasesIsFollowedUpToALimit() throws Exception {
    for (int i = 0; i < 16; i++) {
      aliases.put("a" + i + ".example.", "a" + (i + 1) + ".example.");
    }
    say("a16.example.", "192.0.2.1", "2001:db8::1");
    assertEquals(Set.of("192.0.2.1", "2001:db8:0:0:0:0:0:1"), lookUp("a0.example."));
  }

  @Test
  void aNameInASearchDomainIsResolved() throws Exception {
    say("hook.corp.example.", "192.0.2.1");
    try (Dns searching = searching("corp.example")) {
      assertEquals(
          List.of(InetAddress.ofLiteral("192.0.2.1")),
          searching.lookUp("hook").toCompletableFuture().get(20, TimeUnit.SECONDS));
    }
  }

  @Test
  void anUnresponsiveSearchDomainIsReported() {
    unheard.add("hook.corp.example.");
    unheard.add("hook.example.com.corp.example.");
    try (Dns searching = searching("corp.example")) {
      for (String name : List.of("hook", "hook.example.com")) {
        ExecutionException failed =
            assertThrows(
                ExecutionException.class,
                () -> searching.lookUp(name).toCompletableFuture().get(20, TimeUnit.SECONDS));
        assertEquals(
            "no name server answered for " + name + ".corp.example.",
            failed.getCause().getMessage());
      }
    }
  }

  @Test
  void anUnresponsiveNameServerIsNotAnUnknownName() {
    unheard.add("lost.example.");
    ExecutionException failed =
        assertThrows(ExecutionException.class, () -> lookUp("lost.example."));
    assertInstanceOf(Names.NoAnswer.class, failed.getCause());
  }

  private static DatagramSocket socket() {
    try {
      return new DatagramSocket(0, InetAddress.ofLiteral("127.0.0.1"));
    } catch (IOException noSocket) {
      throw new IllegalStateException(noSocket);
    }
  }

  private void serve() {
    try {
      while (true) {
        DatagramPacket packet = new DatagramPacket(new byte[512], 512);
        server.receive(packet);
        ports.add(packet.getPort());
        byte[] answer = answer(ByteBuffer.wrap(packet.getData(), 0, packet.getLength()));
        if (answer.length > 0) {
          server.send(new DatagramPacket(answer, answer.length, packet.getSocketAddress()));
        }
      }
    } catch (IOException closed) {
      // the test is over
    }
  }

  /** RFC 1035 §4: the header of twelve bytes, the question as received, and the addresses. */
  private byte[] answer(ByteBuffer query) {
    short id = query.getShort(0);
    query.position(12);
    StringBuilder name = new StringBuilder();
    for (int length = query.get(); length != 0; length = query.get()) {
      byte[] label = new byte[length];
      query.get(label);
      name.append(new String(label, StandardCharsets.US_ASCII)).append('.');
    }
    int type = query.getShort();
    query.getShort();
    asked.add(type);
    if (mute.contains(type) || unheard.contains(name.toString())) {
      return new byte[0];
    }
    byte[] question = new byte[query.position() - 12];
    query.get(12, question);
    String alias = aliases.get(name.toString());
    if (alias != null) {
      return aliased(id, question, alias);
    }
    List<InetAddress> all = zone.get(name.toString());
    int size = type == A ? 4 : 16;
    List<InetAddress> fitting =
        all == null ? List.of() : all.stream().filter(a -> a.getAddress().length == size).toList();
    ByteBuffer answer = ByteBuffer.allocate(512);
    answer.putShort(id).putShort((short) (0x8180 | (all == null ? NO_SUCH_NAME : 0)));
    answer.putShort((short) 1).putShort((short) fitting.size()).putInt(0).put(question);
    for (InetAddress address : fitting) {
      answer.putShort((short) 0xC00C).putShort((short) type).putShort((short) 1).putInt(60);
      answer.putShort((short) size).put(address.getAddress());
    }
    byte[] bytes = new byte[answer.position()];
    answer.get(0, bytes);
    return bytes;
  }

  private static byte[] aliased(short id, byte[] question, String target) {
    ByteBuffer name = ByteBuffer.allocate(256);
    for (String label : target.split("\\.")) {
      name.put((byte) label.length()).put(label.getBytes(StandardCharsets.US_ASCII));
    }
    name.put((byte) 0).flip();
    ByteBuffer answer = ByteBuffer.allocate(512);
    answer.putShort(id).putShort((short) 0x8180);
    answer.putShort((short) 1).putShort((short) 1).putInt(0).put(question);
    answer.putShort((short) 0xC00C).putShort((short) CNAME).putShort((short) 1).putInt(60);
    answer.putShort((short) name.remaining()).put(name);
    byte[] bytes = new byte[answer.position()];
    answer.get(0, bytes);
    return bytes;
  }
}
