// Command istio is Istio's control plane and its command line in one binary, for tests.
//
// Three subcommands are the real programs, started in this process with the arguments that follow their
// names. The fourth asks istiod what a proxy would ask.
package main

import (
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"
	meshconfig "istio.io/api/mesh/v1alpha1"
	istioctl "istio.io/istio/istioctl/cmd"
	agent "istio.io/istio/pilot/cmd/pilot-agent/app"
	discovery "istio.io/istio/pilot/cmd/pilot-discovery/app"
	istioagent "istio.io/istio/pkg/istio-agent"
	"istio.io/istio/pkg/log"
	"istio.io/istio/pkg/security"
	"istio.io/istio/security/pkg/nodeagent/sds"
)

// exitOnStdinEOF names the environment variable that, when set, ends the process as soon as its
// standard input is closed. A parent that holds the other end of the pipe leaves no server behind,
// even when it is killed. The control plane of tests/controlplane listens to the same name.
const exitOnStdinEOF = "CONTROLPLANE_EXIT_ON_STDIN_EOF"

func main() {
	if os.Getenv(exitOnStdinEOF) != "" {
		go exitWhenStdinCloses()
	}
	root := &cobra.Command{
		Use:          "istio",
		Short:        "Istio's control plane and command line in one binary, for tests",
		SilenceUsage: true,
	}
	root.AddCommand(
		program("pilot-discovery", func([]string) (*cobra.Command, error) {
			return discovery.NewRootCommand(), nil
		}),
		program("pilot-agent", func([]string) (*cobra.Command, error) {
			return agent.NewRootCommand(newSecretServer), nil
		}),
		program("istioctl", func(args []string) (*cobra.Command, error) {
			if err := istioctl.ConfigAndEnvProcessing(); err != nil {
				return nil, err
			}
			return istioctl.GetRootCmd(args), nil
		}),
		xdsCommand(),
	)
	if root.Execute() != nil {
		os.Exit(1)
	}
}

// program returns a subcommand that becomes the named program of Istio.
//
// The program's command is made only when it is the chosen one: it parses the arguments itself, some
// of them from os.Args, and what the two register would meet in one process.
func program(name string, newCommand func(args []string) (*cobra.Command, error)) *cobra.Command {
	return &cobra.Command{
		Use:                name,
		Short:              "Run the real " + name,
		DisableFlagParsing: true,
		Run: func(_ *cobra.Command, args []string) {
			os.Args = append([]string{name}, args...)
			os.Exit(run(newCommand, args))
		},
	}
}

// newSecretServer makes the server from which Envoy has its certificates, as Istio's own agent does.
func newSecretServer(
	options *security.Options, secrets security.SecretManager, keys *meshconfig.PrivateKeyProvider,
) istioagent.SDSService {
	return sds.NewServer(options, secrets, keys)
}

// run executes the command of a program and returns the code to exit with.
func run(newCommand func(args []string) (*cobra.Command, error), args []string) int {
	command, err := newCommand(args)
	if err == nil {
		log.EnableKlogWithCobra()
		command.SetArgs(args)
		err = command.Execute()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// exitWhenStdinCloses ends the process at the end of standard input.
func exitWhenStdinCloses() {
	_, _ = io.Copy(io.Discard, os.Stdin)
	os.Exit(1)
}
