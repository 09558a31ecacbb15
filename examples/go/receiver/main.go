// Receives tasks on PORT and verifies their signatures: go run ./receiver
// SIGNING_SECRET has one or more secrets (whsec_…), separated by spaces.
package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"
)

const tolerance = 5 * time.Minute

func isGenuine(headers http.Header, body []byte) bool {
	at := headers.Get("webhook-timestamp")
	seconds, err := strconv.ParseInt(at, 10, 64)
	if err != nil || time.Since(time.Unix(seconds, 0)).Abs() > tolerance {
		return false
	}
	for _, secret := range strings.Fields(os.Getenv("SIGNING_SECRET")) {
		key, _ := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
		mac := hmac.New(sha256.New, key)
		fmt.Fprintf(mac, "%s.%s.%s", headers.Get("webhook-id"), at, body)
		for _, signature := range strings.Fields(headers.Get("webhook-signature")) {
			given, _ := base64.StdEncoding.DecodeString(strings.TrimPrefix(signature, "v1,"))
			if hmac.Equal(mac.Sum(nil), given) {
				return true
			}
		}
	}
	return false
}

func main() {
	var seen sync.Map // in production: in your database, in the transaction that does the work
	http.HandleFunc("/", func(response http.ResponseWriter, request *http.Request) {
		body, err := io.ReadAll(request.Body)
		if err != nil || !isGenuine(request.Header, body) {
			response.WriteHeader(http.StatusUnauthorized)
			return
		}
		// The same task may arrive again, after an attempt whose answer was lost.
		if _, again := seen.LoadOrStore(request.Header.Get("webhook-id"), true); !again {
			fmt.Printf("received %s\n", body)
		}
		response.WriteHeader(http.StatusNoContent) // 2xx: done; 5xx, 408, 425, 429: try again; anything else: dead
	})
	log.Fatal(http.ListenAndServe("127.0.0.1:"+os.Getenv("PORT"), nil))
}
