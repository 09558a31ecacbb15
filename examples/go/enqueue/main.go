// Enqueues a task that is sent to TARGET: go run ./enqueue '{"order": 4711}'
// TASK_RUNNER_URL, TASK_RUNNER_API_KEY and TARGET come from the environment. Prints the response, with the task's id.
package main

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"strconv"
	"time"
)

// Enqueues once, however often the call has to be repeated: each repetition has the same idempotency key.
func enqueue(task map[string]string, idempotencyKey string, attempts int) (string, error) {
	client := http.Client{Timeout: 10 * time.Second}
	body, _ := json.Marshal(map[string]any{"task": task})
	for attempt := 1; ; attempt++ {
		wait := 1 << attempt
		request, _ := http.NewRequest("POST", os.Getenv("TASK_RUNNER_URL")+"/v1/enqueue", bytes.NewReader(body))
		request.Header.Set("Content-Type", "application/json")
		request.Header.Set("Authorization", "Bearer "+os.Getenv("TASK_RUNNER_API_KEY"))
		request.Header.Set("Idempotency-Key", idempotencyKey)
		response, err := client.Do(request)
		if err == nil {
			answer, _ := io.ReadAll(response.Body)
			response.Body.Close()
			if response.StatusCode/100 == 2 {
				return string(answer), nil // 201 enqueued, or 200: an earlier repetition was already accepted
			}
			err = fmt.Errorf("%d %s", response.StatusCode, answer)
			// 429: a limit, and nothing was accepted. 503: unknown; the task may have been accepted.
			if response.StatusCode != 429 && response.StatusCode != 503 {
				return "", err
			}
			if seconds, bad := strconv.Atoi(response.Header.Get("Retry-After")); bad == nil {
				wait = seconds
			}
		} // otherwise no connection, or no answer: unknown, too
		if attempt == attempts {
			return "", err
		}
		time.Sleep(time.Duration(wait) * time.Second)
	}
}

func main() {
	key := make([]byte, 16)
	rand.Read(key)
	answer, err := enqueue(map[string]string{"url": os.Getenv("TARGET"), "body": os.Args[1]}, fmt.Sprintf("%x", key), 5)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(answer)
}
