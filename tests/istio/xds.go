package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"time"

	core "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	discovery "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	"github.com/spf13/cobra"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/encoding/protojson"
)

// patience is how long istiod may take for one answer.
const patience = 20 * time.Second

// resourceTypes are what a proxy is told of its own listeners and upstreams.
var resourceTypes = []string{
	"type.googleapis.com/envoy.config.cluster.v3.Cluster",
	"type.googleapis.com/envoy.config.listener.v3.Listener",
}

// xdsCommand returns a subcommand that asks istiod, as an Envoy would, for its configuration.
func xdsCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "xds ADDRESS NODE",
		Short: "Print the clusters and listeners that istiod has for a node, which is JSON of an Envoy Node",
		Args:  cobra.ExactArgs(2),
		RunE: func(_ *cobra.Command, args []string) error {
			node := &core.Node{}
			if err := protojson.Unmarshal([]byte(args[1]), node); err != nil {
				return fmt.Errorf("the node is no Envoy Node: %w", err)
			}
			resources, err := ask(args[0], node)
			if err != nil {
				return err
			}
			return json.NewEncoder(os.Stdout).Encode(resources)
		},
	}
}

// ask returns the resources of all types, as JSON, in the order of the types.
func ask(address string, node *core.Node) ([]json.RawMessage, error) {
	connection, err := grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return nil, err
	}
	defer connection.Close()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	stream, err := discovery.NewAggregatedDiscoveryServiceClient(connection).StreamAggregatedResources(ctx)
	if err != nil {
		return nil, err
	}
	var resources []json.RawMessage
	for _, resourceType := range resourceTypes {
		if err := stream.Send(&discovery.DiscoveryRequest{Node: node, TypeUrl: resourceType}); err != nil {
			return nil, err
		}
		answer, err := stream.Recv()
		for err == nil && answer.TypeUrl != resourceType { // something before has changed meanwhile
			answer, err = stream.Recv()
		}
		if err != nil {
			return nil, err
		}
		for _, resource := range answer.Resources {
			text, err := protojson.Marshal(resource)
			if err != nil {
				return nil, err
			}
			resources = append(resources, text)
		}
	}
	return resources, nil
}
