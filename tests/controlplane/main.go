// Command controlplane is a Kubernetes control plane in one binary, for tests.
//
// Every subcommand is the real component, started in this process with the arguments that follow its
// name; only etcd has flags of its own.
package main

import (
	"context"
	"io"
	"os"
	_ "time/tzdata" // CronJobs may name a time zone on a machine that has no zone files.

	"github.com/spf13/cobra"
	_ "k8s.io/client-go/plugin/pkg/client/auth"
	"k8s.io/component-base/cli"
	_ "k8s.io/component-base/logs/json/register"
	_ "k8s.io/component-base/metrics/prometheus/clientgo"
	_ "k8s.io/component-base/metrics/prometheus/version"
	kubectl "k8s.io/kubectl/pkg/cmd"
	kubectlutil "k8s.io/kubectl/pkg/cmd/util"
	apiserver "k8s.io/kubernetes/cmd/kube-apiserver/app"
	controllermanager "k8s.io/kubernetes/cmd/kube-controller-manager/app"
	proxy "k8s.io/kubernetes/cmd/kube-proxy/app"
	scheduler "k8s.io/kubernetes/cmd/kube-scheduler/app"
	kubelet "k8s.io/kubernetes/cmd/kubelet/app"
)

// exitOnStdinEOF names the environment variable that, when set, ends the process as soon as its
// standard input is closed. A parent that holds the other end of the pipe leaves no server behind,
// even when it is killed.
const exitOnStdinEOF = "CONTROLPLANE_EXIT_ON_STDIN_EOF"

func main() {
	if os.Getenv(exitOnStdinEOF) != "" {
		go exitWhenStdinCloses()
	}
	root := &cobra.Command{
		Use:          "controlplane",
		Short:        "A Kubernetes control plane in one binary, for tests",
		SilenceUsage: true,
	}
	root.AddCommand(
		newEtcdCommand(),
		component("kube-apiserver", apiserver.NewAPIServerCommand, cli.Run),
		component("kube-controller-manager", controllermanager.NewControllerManagerCommand, cli.Run),
		component("kube-scheduler", func() *cobra.Command { return scheduler.NewSchedulerCommand() }, cli.Run),
		component("kubelet", func() *cobra.Command { return kubelet.NewKubeletCommand(context.Background()) }, cli.Run),
		component("kube-proxy", proxy.NewProxyCommand, cli.Run),
		component("kubectl", kubectl.NewDefaultKubectlCommand, runKubectl),
	)
	if root.Execute() != nil {
		os.Exit(1)
	}
}

// component returns a subcommand that becomes the named Kubernetes component.
//
// The component's command is made only when it is the chosen one: it parses the arguments itself,
// kubectl reads them from os.Args, and its construction registers global flags and feature gates that
// components in one process would fight over.
func component(name string, newCommand func() *cobra.Command, run func(*cobra.Command) int) *cobra.Command {
	return &cobra.Command{
		Use:                name,
		Short:              "Run the real " + name,
		DisableFlagParsing: true,
		Run: func(_ *cobra.Command, args []string) {
			os.Args = append([]string{name}, args...)
			os.Exit(run(newCommand()))
		},
	}
}

// runKubectl executes command and reports a failure in kubectl's own words and exit code.
func runKubectl(command *cobra.Command) int {
	if err := cli.RunNoErrOutput(command); err != nil {
		kubectlutil.CheckErr(err) // exits
	}
	return 0
}

// exitWhenStdinCloses ends the process at the end of standard input.
func exitWhenStdinCloses() {
	_, _ = io.Copy(io.Discard, os.Stdin)
	os.Exit(1)
}
