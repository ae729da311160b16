package main

import (
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
)

const (
	computeType = "sagemaker.amazonaws.com/compute-type"
	healthKey   = "sagemaker.amazonaws.com/node-health-status"
	checksKey   = "sagemaker.amazonaws.com/deep-health-check-status"
	taintedAt    = "hyperpod-operator.dev/tainted-at"
	taintedPath  = "/metadata/annotations/hyperpod-operator.dev~1tainted-at"
	unfit       = "Unschedulable"
	inProgress  = "InProgress"
	failed      = "Failed"
)

// operation is one step of a JSON patch (RFC 6902).
type operation struct {
	Op    string `json:"op"`
	Path  string `json:"path"`
	Value any    `json:"value,omitempty"`
}

// change is what has to happen to a node.
type change int

const (
	nothing change = iota
	addTaint
	removeTaint
)

// decide says what the contract asks for. It reads labels, taints and one annotation, nothing else.
func decide(node *corev1.Node) change {
	health, checks := node.Labels[healthKey], node.Labels[checksKey]
	_, ours := node.Annotations[taintedAt]
	tainted := hasTaint(node)
	switch {
	case !tainted && (strings.HasPrefix(health, unfit) || checks == inProgress):
		return addTaint
	case tainted && ours && health == "Schedulable" && checks != inProgress && checks != failed:
		return removeTaint
	}
	return nothing
}

// patch is the change as one guarded write: all of it, and only on the version of the node that was decided on.
func patch(node *corev1.Node, what change, now time.Time) []operation {
	guard := operation{Op: "test", Path: "/metadata/resourceVersion", Value: node.ResourceVersion}
	switch what {
	case addTaint:
		taint := corev1.Taint{Key: healthKey, Value: unfit, Effect: corev1.TaintEffectNoSchedule}
		return []operation{
			guard,
			{Op: "add", Path: "/spec/taints", Value: append(otherTaints(node), taint)},
			annotate(node, now.UTC().Format(time.RFC3339)),
		}
	case removeTaint:
		return []operation{
			guard,
			{Op: "replace", Path: "/spec/taints", Value: otherTaints(node)},
			{Op: "remove", Path: taintedPath},
		}
	}
	return nil
}

func annotate(node *corev1.Node, stamp string) operation {
	if len(node.Annotations) == 0 { // a JSON patch cannot add to a map that is not there
		return operation{Op: "add", Path: "/metadata/annotations", Value: map[string]string{taintedAt: stamp}}
	}
	return operation{Op: "add", Path: taintedPath, Value: stamp}
}

func isOurs(taint corev1.Taint) bool {
	return taint.Key == healthKey && taint.Value == unfit && taint.Effect == corev1.TaintEffectNoSchedule
}

func hasTaint(node *corev1.Node) bool {
	for _, taint := range node.Spec.Taints {
		if isOurs(taint) {
			return true
		}
	}
	return false
}

// otherTaints is a new list: the cache's own must not be written to.
func otherTaints(node *corev1.Node) []corev1.Taint {
	kept := make([]corev1.Taint, 0, len(node.Spec.Taints)+1)
	for _, taint := range node.Spec.Taints {
		if !isOurs(taint) {
			kept = append(kept, taint)
		}
	}
	return kept
}
