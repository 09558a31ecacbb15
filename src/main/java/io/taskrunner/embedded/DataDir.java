package io.taskrunner.embedded;

import io.taskrunner.config.CannotStart;
import io.taskrunner.config.Secret;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.SecureRandom;
import java.util.Base64;
import java.util.Set;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The directory of an embedded Redis: created, held by a lock, readable only by its owner. */
final class DataDir {

  private static final Logger LOG = LoggerFactory.getLogger(DataDir.class);

  static final Set<PosixFilePermission> OURS_ALONE = PosixFilePermissions.fromString("rwx------");
  private static final Set<PosixFilePermission> OURS_TO_READ =
      PosixFilePermissions.fromString("rw-------");

  private DataDir() {}

  /** Whether an embedded Redis keeps its files in a directory. */
  static boolean isKeptIn(Path directory) {
    return Files.exists(directory.resolve("redis.password"));
  }

  /** Creates it, if it does not exist, readable only by its owner. */
  static Path prepared(Path directory) throws IOException, CannotStart {
    if (!Files.exists(directory)) {
      Files.createDirectories(directory.toAbsolutePath().getParent());
      Files.createDirectory(directory, PosixFilePermissions.asFileAttribute(OURS_ALONE));
    } else if (!Files.exists(directory.resolve("lock"))) {
      try (Stream<Path> files = Files.list(directory)) {
        // A fresh volume has a lost+found. Any other content belongs to a user, who must keep
        // access.
        if (files.anyMatch(file -> !file.endsWith("lost+found"))) {
          throw new CannotStart(
              "DATA_DIR: \""
                  + directory
                  + "\" has files that are not Task Runner's (expected: a directory of its own,"
                  + " empty or not there yet)");
        }
      }
    }
    Files.setPosixFilePermissions(directory, OURS_ALONE);
    return directory.toRealPath();
  }

  /** Why a file could not be used; the message of most of these exceptions is only its path. */
  static String reason(IOException failed) {
    if (!(failed instanceof FileSystemException about)) {
      return String.valueOf(failed.getMessage());
    }
    String why =
        switch (about) {
          case AccessDeniedException _ -> "permission denied";
          case NoSuchFileException _ -> "no such file or directory";
          case NotDirectoryException _, FileAlreadyExistsException _ -> "not a directory";
          default -> about.getReason() == null ? "it cannot be written" : about.getReason();
        };
    return about.getFile() + ": " + why;
  }

  /** Holds it against other programs, until this is closed. */
  static FileChannel locked(Path dir) throws IOException, CannotStart {
    FileChannel channel =
        FileChannel.open(
            dir.resolve("lock"),
            Set.of(StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE),
            PosixFilePermissions.asFileAttribute(OURS_TO_READ));
    try {
      FileLock held = channel.tryLock();
      if (held != null) {
        channel.truncate(0);
        channel.write(StandardCharsets.US_ASCII.encode(ProcessHandle.current().pid() + "\n"), 0);
        return channel;
      }
    } catch (OverlappingFileLockException heldByOurselves) {
      LOG.debug("this process already holds {}", dir);
    }
    String holder = Files.readString(dir.resolve("lock")).strip();
    channel.close();
    throw new CannotStart(
        "DATA_DIR: \""
            + dir
            + "\" is in use by another Task Runner (process "
            + holder
            + "); stop that one, or set DATA_DIR to another directory");
  }

  /** The password of its Redis, created once. */
  static Secret password(Path dir) throws IOException {
    Path file = dir.resolve("redis.password");
    if (!Files.exists(file)) {
      byte[] random = new byte[32];
      new SecureRandom().nextBytes(random);
      write(file, Base64.getUrlEncoder().withoutPadding().encodeToString(random));
    }
    return new Secret(Files.readString(file).strip());
  }

  /** Writes a file that only its owner may read, completely or not at all. */
  static void write(Path file, String text) throws IOException {
    Path part = file.resolveSibling(file.getFileName() + ".part");
    Files.deleteIfExists(part);
    Files.createFile(part, PosixFilePermissions.asFileAttribute(OURS_TO_READ));
    Files.writeString(part, text);
    Files.move(part, file, StandardCopyOption.ATOMIC_MOVE);
  }

  static void release(@Nullable FileChannel lock) {
    if (lock != null) {
      try {
        lock.close();
      } catch (IOException e) {
        LOG.warn("the lock of the data directory could not be released", e);
      }
    }
  }
}
