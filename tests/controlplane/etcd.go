package main

import (
	"fmt"
	"net/url"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
	"go.etcd.io/etcd/server/v3/embed"
)

// newEtcdCommand returns the subcommand that runs a single etcd member until SIGTERM or SIGINT.
func newEtcdCommand() *cobra.Command {
	var dir, addr string
	command := &cobra.Command{
		Use:   "etcd",
		Short: "Run a single etcd member",
		Args:  cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			ctx, stop := signal.NotifyContext(command.Context(), syscall.SIGTERM, syscall.SIGINT)
			defer stop()
			member, err := embed.StartEtcd(etcdConfig(dir, addr))
			if err != nil {
				return fmt.Errorf("start etcd on %s: %w", addr, err)
			}
			defer member.Close()
			select {
			case err := <-member.Err():
				return err
			case <-ctx.Done():
				return nil
			}
		},
	}
	command.Flags().StringVar(&dir, "dir", "", "folder of the data")
	command.Flags().StringVar(&addr, "addr", "", "host:port to serve clients on, plain HTTP")
	for _, flag := range []string{"dir", "addr"} {
		if err := command.MarkFlagRequired(flag); err != nil {
			panic(err) // the flag is not defined above
		}
	}
	return command
}

// etcdConfig returns the configuration of a member that serves clients on addr and keeps its data in
// dir. It survives a crash of the process but not of the machine, which saves tests the wait for the disk.
func etcdConfig(dir, addr string) *embed.Config {
	client := []url.URL{{Scheme: "http", Host: addr}}
	config := embed.NewConfig()
	config.Dir = dir
	config.ListenClientUrls = client
	config.AdvertiseClientUrls = client
	config.ListenPeerUrls = []url.URL{{Scheme: "http", Host: "127.0.0.1:0"}} // no peers: any free port
	config.UnsafeNoFsync = true
	config.LogLevel = "error"
	return config
}
