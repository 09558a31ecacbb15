// Google's Cloud Tasks client against Task Runner: go mod tidy && go run . '{"order": 4711}'
// TASK_RUNNER_ADDRESS (host:port) and TARGET come from the environment. Prints the name of the task.
package main

import (
	"context"
	"fmt"
	"log"
	"os"

	cloudtasks "cloud.google.com/go/cloudtasks/apiv2"
	"cloud.google.com/go/cloudtasks/apiv2/cloudtaskspb"
	"google.golang.org/api/option"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
)

const location = "projects/shop/locations/europe-west1"

func main() {
	ctx := context.Background()
	// Without these options it speaks TLS and looks for credentials, as with Google.
	client, err := cloudtasks.NewClient(ctx,
		option.WithEndpoint(os.Getenv("TASK_RUNNER_ADDRESS")),
		option.WithoutAuthentication(),
		option.WithGRPCDialOption(grpc.WithTransportCredentials(insecure.NewCredentials())))
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	queue := location + "/queues/orders"
	_, err = client.CreateQueue(ctx, &cloudtaskspb.CreateQueueRequest{Parent: location, Queue: &cloudtaskspb.Queue{Name: queue}})
	if err != nil && status.Code(err) != codes.AlreadyExists {
		log.Fatal(err)
	}
	request := &cloudtaskspb.HttpRequest{
		Url:        os.Getenv("TARGET"),
		HttpMethod: cloudtaskspb.HttpMethod_POST,
		Body:       []byte(os.Args[1]),
	}
	task, err := client.CreateTask(ctx, &cloudtaskspb.CreateTaskRequest{
		Parent: queue,
		Task:   &cloudtaskspb.Task{MessageType: &cloudtaskspb.Task_HttpRequest{HttpRequest: request}},
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(task.Name)
}
