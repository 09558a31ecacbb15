package io.taskrunner.cli;

import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Mixin;

/** Commands that list things, a page at a time. */
abstract class Lists extends Verb {

  @Mixin private final Common.Pages pages = new Common.Pages();

  private final String path;
  private final String member;

  /**
   * A list of a path of the API.
   *
   * @param member name of the list in the response
   */
  Lists(String path, String member) {
    this.path = path;
    this.member = member;
  }

  /** The filters, as query parameters. */
  Map<String, @Nullable Object> query() {
    return members();
  }

  /** The columns of the table. */
  abstract List<Out.Column> columns(Out out);

  @Override
  final int run(Api api, Out out) throws Failure {
    Map<String, @Nullable Object> query = query();
    query.putAll(members("limit", pages.limit, "cursor", pages.cursor));
    Api.Reply reply = api.get(Api.query(path, query));
    if (!out.raw(reply)) {
      Map<String, @Nullable Object> page = reply.object();
      out.table(Shown.list(page, member), columns(out));
      if (page.get("next_cursor") != null) {
        out.say("(more: --cursor " + page.get("next_cursor") + ")");
      }
    }
    return 0;
  }
}
