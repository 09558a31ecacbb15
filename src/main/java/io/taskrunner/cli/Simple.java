package io.taskrunner.cli;

import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

/** Commands that name one thing, make one call, and say a line. */
abstract class Simple extends Verb {

  @Parameters(paramLabel = "NAME", description = "Which.")
  private String name = "";

  abstract Api.Reply call(Api api, String name) throws Failure;

  /** What to tell people. */
  abstract String done(Api.Reply reply) throws Failure;

  @Override
  int run(Api api, Out out) throws Failure {
    Api.Reply reply = call(api, name);
    if (!out.raw(reply)) {
      out.say(name + "  " + done(reply));
    }
    return 0;
  }

  /** One that shows the whole answer. */
  abstract static class Shows extends Verb {
    @Parameters(paramLabel = "NAME", description = "Which.")
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

  /** One that asks first, since what it does cannot be undone. */
  abstract static class Asks extends Simple {
    @Mixin private final Common.Sure sure = new Common.Sure();

    /** The question. */
    abstract String question(String name);

    abstract Api.Reply doIt(Api api, String name) throws Failure;

    @Override
    final Api.Reply call(Api api, String name) throws Failure {
      sure.ask(around(), question(name));
      return doIt(api, name);
    }
  }
}
