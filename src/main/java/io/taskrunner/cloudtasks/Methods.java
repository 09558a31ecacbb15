package io.taskrunner.cloudtasks;

import com.google.cloud.location.GetLocationRequest;
import com.google.cloud.location.ListLocationsRequest;
import com.google.cloud.tasks.v2.CreateTaskRequest;
import com.google.cloud.tasks.v2.DeleteQueueRequest;
import com.google.cloud.tasks.v2.DeleteTaskRequest;
import com.google.cloud.tasks.v2.GetQueueRequest;
import com.google.cloud.tasks.v2.GetTaskRequest;
import com.google.cloud.tasks.v2.ListQueuesRequest;
import com.google.cloud.tasks.v2.ListTasksRequest;
import com.google.cloud.tasks.v2.PauseQueueRequest;
import com.google.cloud.tasks.v2.PurgeQueueRequest;
import com.google.cloud.tasks.v2.ResumeQueueRequest;
import com.google.cloud.tasks.v2.RunTaskRequest;
import com.google.iam.v1.GetIamPolicyRequest;
import com.google.iam.v1.SetIamPolicyRequest;
import com.google.iam.v1.TestIamPermissionsRequest;
import com.google.protobuf.Message;
import io.taskrunner.client.Scope;
import io.taskrunner.cloudtasks.health.HealthCheckRequest;
import io.taskrunner.cloudtasks.v1.BatchCreateTasksRequest;
import io.taskrunner.cloudtasks.v1.CreateQueueRequest;
import io.taskrunner.cloudtasks.v1.UpdateQueueRequest;
import io.taskrunner.http.call.Caller;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.function.BiFunction;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** All served methods, with the REST bindings of {@code google.api.http}. */
final class Methods {

  private static final String TASKS = "/google.cloud.tasks.v2.CloudTasks/";

  /** The prefix of the paths of {@code Locations}. */
  static final String LOCATIONS = "/google.cloud.location.Locations/";

  private static final String BULK = "/taskrunner.cloudtasks.v1.BulkTasks/";

  private static final String HEALTH = "/grpc.health.v1.Health/";

  /** The prefix of every gRPC path. */
  static final List<String> SERVICES = List.of(TASKS, LOCATIONS, BULK, HEALTH);

  private static final String PROJECT = "projects/*";
  private static final String LOCATION = PROJECT + "/locations/*";
  private static final String QUEUE = LOCATION + "/queues/*";
  private static final String TASK = QUEUE + "/tasks/*";

  private Methods() {}

  static List<Method> all(
      Queues queues, Tasks tasks, Policies policies, Locations locations, Healthy healthy) {
    return List.of(
        blocking(
            TASKS + "ListQueues",
            Scope.READ,
            ListQueuesRequest::getDefaultInstance,
            queues::list,
            "GET " + LOCATION + "/queues",
            "parent",
            ""),
        blocking(
            TASKS + "GetQueue",
            Scope.READ,
            GetQueueRequest::getDefaultInstance,
            queues::get,
            "GET " + QUEUE,
            "name",
            ""),
        blocking(
            TASKS + "CreateQueue",
            Scope.OPERATE,
            CreateQueueRequest::getDefaultInstance,
            queues::create,
            "POST " + LOCATION + "/queues",
            "parent",
            "queue"),
        blocking(
            TASKS + "UpdateQueue",
            Scope.OPERATE,
            UpdateQueueRequest::getDefaultInstance,
            queues::update,
            "PATCH " + QUEUE,
            "queue.name",
            "queue"),
        blocking(
            TASKS + "DeleteQueue",
            Scope.OPERATE,
            DeleteQueueRequest::getDefaultInstance,
            queues::delete,
            "DELETE " + QUEUE,
            "name",
            ""),
        blocking(
            TASKS + "PurgeQueue",
            Scope.OPERATE,
            PurgeQueueRequest::getDefaultInstance,
            queues::purge,
            "POST " + QUEUE + ":purge",
            "name",
            "*"),
        blocking(
            TASKS + "PauseQueue",
            Scope.OPERATE,
            PauseQueueRequest::getDefaultInstance,
            queues::pause,
            "POST " + QUEUE + ":pause",
            "name",
            "*"),
        blocking(
            TASKS + "ResumeQueue",
            Scope.OPERATE,
            ResumeQueueRequest::getDefaultInstance,
            queues::resume,
            "POST " + QUEUE + ":resume",
            "name",
            "*"),
        blocking(
            TASKS + "GetIamPolicy",
            Scope.READ,
            GetIamPolicyRequest::getDefaultInstance,
            policies::get,
            "POST " + QUEUE + ":getIamPolicy",
            "resource",
            "*"),
        blocking(
            TASKS + "SetIamPolicy",
            Scope.OPERATE,
            SetIamPolicyRequest::getDefaultInstance,
            policies::set,
            "POST " + QUEUE + ":setIamPolicy",
            "resource",
            "*"),
        blocking(
            TASKS + "TestIamPermissions",
            Scope.READ,
            TestIamPermissionsRequest::getDefaultInstance,
            policies::test,
            "POST " + QUEUE + ":testIamPermissions",
            "resource",
            "*"),
        blocking(
            TASKS + "ListTasks",
            Scope.READ,
            ListTasksRequest::getDefaultInstance,
            tasks::list,
            "GET " + QUEUE + "/tasks",
            "parent",
            ""),
        blocking(
            TASKS + "GetTask",
            Scope.READ,
            GetTaskRequest::getDefaultInstance,
            tasks::get,
            "GET " + TASK,
            "name",
            ""),
        direct(
            TASKS + "CreateTask",
            Scope.ENQUEUE,
            CreateTaskRequest::getDefaultInstance,
            tasks::create,
            "POST " + QUEUE + "/tasks",
            "parent",
            "*"),
        blocking(
            TASKS + "DeleteTask",
            Scope.OPERATE,
            DeleteTaskRequest::getDefaultInstance,
            tasks::delete,
            "DELETE " + TASK,
            "name",
            ""),
        blocking(
            TASKS + "RunTask",
            Scope.OPERATE,
            RunTaskRequest::getDefaultInstance,
            tasks::run,
            "POST " + TASK + ":run",
            "name",
            "*"),
        direct(
            BULK + "BatchCreateTasks",
            Scope.ENQUEUE,
            BatchCreateTasksRequest::getDefaultInstance,
            tasks::createAll,
            "POST " + QUEUE + "/tasks:batchCreate",
            "parent",
            "*"),
        blocking(
            LOCATIONS + "ListLocations",
            Scope.READ,
            ListLocationsRequest::getDefaultInstance,
            locations::list,
            "GET " + PROJECT + "/locations",
            "name",
            ""),
        blocking(
            LOCATIONS + "GetLocation",
            Scope.READ,
            GetLocationRequest::getDefaultInstance,
            locations::get,
            "GET " + LOCATION,
            "name",
            ""),
        blocking(
            HEALTH + "Check",
            null,
            HealthCheckRequest::getDefaultInstance,
            healthy::check,
            "",
            "",
            ""));
  }

  private static <Q extends Message> Method blocking(
      String path,
      @Nullable Scope scope,
      Supplier<Q> request,
      BiFunction<Q, Caller, ? extends Message> answer,
      String rest,
      String name,
      String body) {
    return new Method(
        path,
        request,
        scope,
        new Method.Handler.Blocking((given, caller) -> answer.apply(as(request, given), caller)),
        rest,
        name,
        body);
  }

  private static <Q extends Message> Method direct(
      String path,
      Scope scope,
      Supplier<Q> request,
      BiFunction<Q, Caller, ? extends CompletableFuture<? extends Message>> answer,
      String rest,
      String name,
      String body) {
    return new Method(
        path,
        request,
        scope,
        new Method.Handler.Direct((given, caller) -> answer.apply(as(request, given), caller)),
        rest,
        name,
        body);
  }

  /** A request was parsed as the type of its method. */
  @SuppressWarnings("unchecked")
  private static <Q extends Message> Q as(Supplier<Q> type, Message given) {
    return (Q) type.get().getClass().cast(given);
  }
}
