import client.ApiClient;
import client.api.EnqueueApi;
import client.model.Enqueue;
import client.model.TargetRequest;
import java.net.URI;

/** A call with the generated client: URL, CLIENT_ID; prints the id of the task. */
final class Call {

  private Call() {}

  public static void main(String[] args) throws Exception {
    ApiClient client = new ApiClient();
    client.updateBaseUri(args[0]);
    TargetRequest request = new TargetRequest().url(args[0] + "/health/live");
    Enqueue task = new Enqueue().clientId(args[1]).task(request);
    System.out.println(new EnqueueApi(client).enqueue(task, null).getTaskId());
  }
}
