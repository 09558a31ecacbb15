package io.taskrunner.http.call;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Counts the calls that wait for the store, and the bytes of their bodies, and rejects calls beyond
 * a bound: so that an outage of the store does not fill the memory.
 */
public final class HeldCalls {

  private final int callsMax;
  private final long bytesMax;
  private final AtomicInteger calls = new AtomicInteger();
  private final AtomicLong bytes = new AtomicLong();

  /** With these bounds. */
  public HeldCalls(int callsMax, long bytesMax) {
    this.callsMax = callsMax;
    this.bytesMax = bytesMax;
  }

  /** Holds one more call; false when that exceeds the bound. */
  boolean enter() {
    if (calls.incrementAndGet() > callsMax) {
      calls.decrementAndGet();
      return false;
    }
    return true;
  }

  /** Reserves this many more bytes; false when that exceeds the bound. */
  boolean hold(long more) {
    if (bytes.addAndGet(more) > bytesMax) {
      bytes.addAndGet(-more);
      return false;
    }
    return true;
  }

  /** Releases this many bytes. */
  void letGo(long held) {
    bytes.addAndGet(-held);
  }

  /** Releases one call, with the bytes that it still holds. */
  void leave(long held) {
    calls.decrementAndGet();
    bytes.addAndGet(-held);
  }

  /** How many calls are held now. */
  public int calls() {
    return calls.get();
  }

  /** How many bytes are held now. */
  public long bytes() {
    return bytes.get();
  }
}
