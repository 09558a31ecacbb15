package io.taskrunner.cli;

import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

/** Commands on one object that make one call and print one line. */
abstract class Simple extends Verb {

  @Parameters(paramLabel = "NAME", description = "Name or id.")
  private String name = "";

  abstract Api.Reply call(Api api, String name) throws Failure;

  /** The rest of the line, after the name. */
  abstract String done(Api.Reply reply) throws Failure;

  @Override
  int run(Api api, Out out) throws Failure {
    Api.Reply reply = call(api, name);
    if (!out.raw(reply)) {
      out.say(name + "  " + done(reply));
    }
    return 0;
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

    /** The consequence, as a sentence. */
    abstract String question(String name);

    abstract Api.Reply doIt(Api api, String name) throws Failure;

    @Override
    final Api.Reply call(Api api, String name) throws Failure {
      sure.ask(around(), question(name));
      return doIt(api, name);
    }
  }
}
