// A webhook as controller-runtime's users write it, for the same job as ours: Pods get Istio's TPROXY
// interception, load balancers keep their clients' addresses, and what opts out is left alone.
//
// Source: controller-runtime pkg/webhook, ExampleServer_Start (a server without a manager), and the
// Kubebuilder book, "Webhooks for Core Types" (decode, change, PatchResponseFromRaw).
package main

import (
	"context"
	"encoding/json"
	"flag"
	"net/http"
	"os"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"
	"sigs.k8s.io/controller-runtime/pkg/webhook"
	"sigs.k8s.io/controller-runtime/pkg/webhook/admission"
)

const (
	optOut       = "source-ip-preservation"
	interception = "sidecar.istio.io/interceptionMode"
)

type sourceIP struct {
	decoder admission.Decoder
}

// Handle answers a review.
func (s *sourceIP) Handle(_ context.Context, req admission.Request) admission.Response {
	switch req.Kind.Kind {
	case "Pod":
		pod := &corev1.Pod{}
		if err := s.decoder.Decode(req, pod); err != nil {
			return admission.Errored(http.StatusBadRequest, err)
		}
		if optedOut(pod) || pod.Annotations[interception] != "" {
			return admission.Allowed("")
		}
		if pod.Annotations == nil {
			pod.Annotations = map[string]string{}
		}
		pod.Annotations[interception] = "TPROXY"
		return patched(req, pod)
	case "Service":
		service := &corev1.Service{}
		if err := s.decoder.Decode(req, service); err != nil {
			return admission.Errored(http.StatusBadRequest, err)
		}
		if optedOut(service) || service.Spec.Type != corev1.ServiceTypeLoadBalancer {
			return admission.Allowed("")
		}
		service.Spec.ExternalTrafficPolicy = corev1.ServiceExternalTrafficPolicyLocal
		return patched(req, service)
	default:
		return admission.Allowed("")
	}
}

func optedOut(object metav1.Object) bool {
	return object.GetLabels()[optOut] == "disabled"
}

func patched(req admission.Request, object runtime.Object) admission.Response {
	raw, err := json.Marshal(object)
	if err != nil {
		return admission.Errored(http.StatusInternalServerError, err)
	}
	return admission.PatchResponseFromRaw(req.Object.Raw, raw)
}

func main() {
	host := flag.String("host", "", "address to listen on; all by default")
	port := flag.Int("port", webhook.DefaultPort, "port to listen on, with TLS")
	tls := flag.String("tls", "", "folder with tls.crt and tls.key")
	flag.Parse()
	ctrl.SetLogger(zap.New())

	server := webhook.NewServer(webhook.Options{Host: *host, Port: *port, CertDir: *tls})
	decoder := admission.NewDecoder(clientgoscheme.Scheme)
	server.Register("/mutate", &webhook.Admission{Handler: &sourceIP{decoder: decoder}})
	if err := server.Start(ctrl.SetupSignalHandler()); err != nil {
		ctrl.Log.Error(err, "cannot serve")
		os.Exit(1)
	}
}
