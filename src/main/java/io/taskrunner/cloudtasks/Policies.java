package io.taskrunner.cloudtasks;

import com.google.iam.v1.GetIamPolicyRequest;
import com.google.iam.v1.Policy;
import com.google.iam.v1.SetIamPolicyRequest;
import com.google.iam.v1.TestIamPermissionsRequest;
import com.google.iam.v1.TestIamPermissionsResponse;
import com.google.protobuf.ByteString;
import com.google.rpc.Code;
import io.taskrunner.client.Scope;
import io.taskrunner.cloudtasks.v1.StoredQueue;
import io.taskrunner.http.call.Caller;
import io.taskrunner.store.CloudStore;
import io.taskrunner.store.CloudStore.CloudQueue;
import io.taskrunner.store.CloudStore.QueueName;
import java.util.Optional;
import java.util.zip.CRC32;

/** The calls about the IAM policy of a queue: stored and returned, and nothing more. All block. */
final class Policies {

  private final CloudStore store;
  private final Guard guard;

  Policies(CloudStore store, Guard guard) {
    this.store = store;
    this.guard = guard;
  }

  Policy get(GetIamPolicyRequest request, Caller caller) {
    return tagged(QueueRules.stored(queue(named(request.getResource(), caller))).getPolicy());
  }

  Policy set(SetIamPolicyRequest request, Caller caller) {
    QueueName name = named(request.getResource(), caller);
    StoredQueue before = QueueRules.stored(queue(name));
    Policy policy = request.getPolicy().toBuilder().clearEtag().build();
    ByteString etag = request.getPolicy().getEtag();
    if (!etag.isEmpty() && !etag.equals(etag(before.getPolicy()))) {
      throw new Failure(
          Code.ABORTED,
          "The policy was changed by another call and has another etag now: read it again.");
    }
    if (store.change(name, QueueRules.settings(before.getQueue(), policy)).isEmpty()) {
      throw notFound();
    }
    return tagged(policy);
  }

  TestIamPermissionsResponse test(TestIamPermissionsRequest request, Caller caller) {
    Optional<CloudQueue> queue = store.queue(named(request.getResource(), caller));
    TestIamPermissionsResponse.Builder held = TestIamPermissionsResponse.newBuilder();
    if (queue.isPresent()) {
      for (String permission : request.getPermissionsList()) {
        if (caller.opens(scope(permission))) {
          held.addPermissions(permission);
        }
      }
    }
    return held.build();
  }

  /** The scope that a key needs for a permission, such as {@code cloudtasks.tasks.create}. */
  private static Scope scope(String permission) {
    if (permission.equals("cloudtasks.tasks.create")) {
      return Scope.ENQUEUE;
    }
    String verb = permission.substring(permission.lastIndexOf('.') + 1);
    boolean reads = verb.startsWith("get") || verb.startsWith("list") || verb.equals("fullView");
    return reads ? Scope.READ : Scope.OPERATE;
  }

  private QueueName named(String text, Caller caller) {
    QueueName name = Names.queue(text);
    guard.admit(caller, name.toString());
    return name;
  }

  private CloudQueue queue(QueueName name) {
    return store.queue(name).orElseThrow(Policies::notFound);
  }

  private static Failure notFound() {
    return new Failure(Code.NOT_FOUND, "Requested entity was not found.");
  }

  private static Policy tagged(Policy policy) {
    return policy.toBuilder().setEtag(etag(policy)).build();
  }

  private static ByteString etag(Policy policy) {
    CRC32 sum = new CRC32();
    sum.update(policy.toByteArray());
    return ByteString.copyFromUtf8(Long.toHexString(sum.getValue()));
  }
}
