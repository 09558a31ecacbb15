package io.taskrunner.cli;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** One command. */
abstract class Verb implements Callable<Integer> {

  @Spec private CommandSpec spec = CommandSpec.create();

  @Mixin private final Common common = new Common();

  @Override
  public final Integer call() throws Exception {
    Out out = common.out(around());
    try {
      return run(common.api(around()), out);
    } catch (Failure failure) {
      return report(failure, out, "");
    }
  }

  /**
   * Prints a failure on standard error, in the names of this command's options.
   *
   * @param about what stands before it, such as the id of a task
   * @return the exit status
   */
  final int report(Failure failure, Out out, String about) {
    around()
        .err()
        .println(
            out.json()
                ? failure.json()
                : about + OptionNames.in(String.valueOf(failure.getMessage()), spec));
    return failure.status();
  }

  /**
   * Runs the command.
   *
   * @return the exit status
   */
  abstract int run(Api api, Out out) throws Exception;

  /** The environment and streams of the call. */
  final Surroundings around() {
    return ((Root) spec.root().userObject()).around();
  }

  /**
   * Parameters or members in the order given: name, value, name, value; a null value is omitted.
   */
  static Map<String, @Nullable Object> members(@Nullable Object... pairs) {
    Map<String, @Nullable Object> members = new LinkedHashMap<>();
    for (int i = 0; i < pairs.length; i += 2) {
      if (pairs[i + 1] != null) {
        members.put(String.valueOf(pairs[i]), pairs[i + 1]);
      }
    }
    return members;
  }
}
