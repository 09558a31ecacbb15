package io.taskrunner.cli;

import java.util.List;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

/** Commands on objects that make one call and print one line for each, also when one fails. */
abstract class Simple extends Verb {

  @Parameters(arity = "1..*", paramLabel = "NAME", description = "Names or ids.")
  private List<String> names = List.of();

  abstract Api.Reply call(Api api, String name) throws Failure;

  /** The rest of the line, after the name. */
  abstract String done(Api.Reply reply) throws Failure;

  @Override
  int run(Api api, Out out) throws Failure {
    int status = 0;
    for (String name : names) {
      try {
        Api.Reply reply = call(api, name);
        if (!out.raw(reply)) {
          out.say(name + "  " + done(reply));
        }
      } catch (Failure failure) {
        int failed = report(failure, out, names.size() == 1 ? "" : name + "  ");
        status = names.size() == 1 ? failed : Failure.REFUSED;
      }
    }
    return status;
  }

  /** One that prints the complete response. */
  abstract static class Shows extends Verb {
    @Parameters(paramLabel = "NAME", description = "Name or id.")
    private String name = "";

    abstract Api.Reply call(Api api, String name) throws Failure;

    @Override
    int run(Api api, Out out) throws Failure {
      Api.Reply reply = call(api, name);
      if (!out.raw(reply)) {
        out.whole(reply.object());
      }
      return 0;
    }
  }

  /** One that asks for confirmation, because it cannot be undone. */
  abstract static class Asks extends Simple {
    @Mixin private final Common.Sure sure = new Common.Sure();

    /** The consequence, as a sentence; the number of affected tasks can be asked for. */
    abstract String question(Api api, String name) throws Failure;

    abstract Api.Reply doIt(Api api, String name) throws Failure;

    @Override
    final Api.Reply call(Api api, String name) throws Failure {
      if (!sure.given()) {
        sure.ask(around(), question(api, name));
      }
      return doIt(api, name);
    }
  }
}
