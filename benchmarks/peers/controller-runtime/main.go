// A minimal controller-runtime controller with the node-health contract of the benchmark, as a Go author who
// cares about its cost would write it: a filtered and trimmed cache, a predicate, one guarded patch.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"os"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"
	metrics "sigs.k8s.io/controller-runtime/pkg/metrics/server"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
)

func main() {
	concurrency := flag.Int("concurrency", 4, "MaxConcurrentReconciles") // --kubeconfig is controller-runtime's own
	flag.Parse()
	ctrl.SetLogger(zap.New())
	if err := run(ctrl.SetupSignalHandler(), *concurrency); err != nil {
		ctrl.Log.Error(err, "the controller ended; check the kubeconfig and that the API server answers")
		os.Exit(1)
	}
}

func run(ctx context.Context, concurrency int) error {
	config, err := ctrl.GetConfig()
	if err != nil {
		return err
	}
	config.QPS = -1 // no limit on the client's side: the benchmark asks what the controller can do
	scheme := runtime.NewScheme()
	if err := corev1.AddToScheme(scheme); err != nil {
		return err
	}
	manager, err := ctrl.NewManager(config, ctrl.Options{
		Scheme:  scheme,
		Metrics: metrics.Options{BindAddress: "0"},
		Cache: cache.Options{ByObject: map[client.Object]cache.ByObject{
			&corev1.Node{}: {
				Label:     labels.SelectorFromSet(labels.Set{computeType: "hyperpod"}),
				Transform: trim,
			},
		}},
	})
	if err != nil {
		return err
	}
	wanted := predicate.NewPredicateFuncs(func(object client.Object) bool {
		node, ok := object.(*corev1.Node)
		return ok && decide(node) != nothing
	})
	err = ctrl.NewControllerManagedBy(manager).
		Named("node-health").
		For(&corev1.Node{}, builder.WithPredicates(wanted)).
		WithOptions(controller.Options{MaxConcurrentReconciles: concurrency}).
		Complete(&tainter{client: manager.GetClient()})
	if err != nil {
		return err
	}
	return manager.Start(ctx)
}

// trim drops what the contract never reads, before the cache keeps it.
func trim(object any) (any, error) {
	if node, ok := object.(*corev1.Node); ok {
		node.ManagedFields = nil
		node.Status.Images = nil
	}
	return object, nil
}

type tainter struct {
	client client.Client
}

func (f *tainter) Reconcile(ctx context.Context, request ctrl.Request) (ctrl.Result, error) {
	var node corev1.Node
	if err := f.client.Get(ctx, request.NamespacedName, &node); err != nil {
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	operations := patch(&node, decide(&node), time.Now())
	if operations == nil {
		return ctrl.Result{}, nil
	}
	body, err := json.Marshal(operations)
	if err != nil {
		return ctrl.Result{}, err
	}
	target := &corev1.Node{}
	target.Name = node.Name
	err = f.client.Patch(ctx, target, client.RawPatch(types.JSONPatchType, body))
	// A failed test of the version is 422, a write in between 409: the cache is behind, so look again shortly.
	if apierrors.IsConflict(err) || apierrors.IsInvalid(err) {
		return ctrl.Result{RequeueAfter: 5 * time.Millisecond}, nil
	}
	return ctrl.Result{}, client.IgnoreNotFound(err)
}
