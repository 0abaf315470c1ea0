// The least that a webhook with a patch can do: it finds the review's uid, and answers with the one
// patch that is right for the Pod of the measurement. It decodes nothing and decides nothing, so what
// a creation takes longer with it is what no webhook can save.
package main

import (
	"bytes"
	"encoding/base64"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"path/filepath"
	"strconv"
)

// The Pod of the measurement has no annotations.
const operations = `[{"op":"add","path":"/metadata/annotations",` +
	`"value":{"sidecar.istio.io/interceptionMode":"TPROXY"}}]`

// The API server writes the uid of a review before its object.
// Source: k8s.io/api admission/v1, AdmissionRequest: the order of the fields.
var before = []byte(`"uid":"`)

var patch = base64.StdEncoding.EncodeToString([]byte(operations))

func answer(writer http.ResponseWriter, request *http.Request) {
	body, err := io.ReadAll(request.Body)
	if err != nil {
		return
	}
	_, rest, found := bytes.Cut(body, before)
	uid, _, ended := bytes.Cut(rest, []byte(`"`))
	if !found || !ended {
		http.Error(writer, "not an AdmissionReview: it has no uid", http.StatusBadRequest)
		return
	}
	writer.Header().Set("Content-Type", "application/json")
	fmt.Fprintf(writer, `{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","response":`+
		`{"uid":%q,"allowed":true,"patchType":"JSONPatch","patch":%q}}`, uid, patch)
}

func main() {
	host := flag.String("host", "", "address to listen on; all by default")
	port := flag.Int("port", 9443, "port to listen on, with TLS")
	tls := flag.String("tls", "", "folder with tls.crt and tls.key")
	flag.Parse()

	http.HandleFunc("POST /mutate", answer)
	address := net.JoinHostPort(*host, strconv.Itoa(*port))
	certificate, key := filepath.Join(*tls, "tls.crt"), filepath.Join(*tls, "tls.key")
	log.Fatal(http.ListenAndServeTLS(address, certificate, key, nil))
}
