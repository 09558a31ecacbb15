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
  Map<String, @Nullable Object> query() throws Failure {
    return members();
  }

  /** The columns of the table. */
  abstract List<Out.Column> columns(Out out);

  @Override
  int run(Api api, Out out) throws Failure, InterruptedException {
    Map<String, @Nullable Object> query = query();
    query.putAll(members("limit", pages.limit, "cursor", pages.cursor));
    while (true) {
      Api.Reply reply = api.get(Api.query(path, query));
      if (!pages.all && out.raw(reply)) {
        return 0;
      }
      Map<String, @Nullable Object> page = reply.object();
      List<Map<String, @Nullable Object>> rows = Shown.list(page, member);
      Object next = page.get("next_cursor");
      if (out.json()) {
        rows.forEach(row -> out.to().println(JsonText.copy(row)));
      } else if (!rows.isEmpty() || !pages.all) {
        out.table(rows, columns(out));
      }
      if (next == null || !pages.all) {
        if (next != null) {
          out.say("(more: --cursor " + next + ", or --all)");
        }
        return 0;
      }
      query.put("cursor", next);
    }
  }
}
