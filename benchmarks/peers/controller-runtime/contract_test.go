package main

import (
	"encoding/json"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

var (
	ourTaint = corev1.Taint{Key: healthKey, Value: unfit, Effect: corev1.TaintEffectNoSchedule}
	foreign  = corev1.Taint{Key: "team", Value: "a", Effect: corev1.TaintEffectNoExecute}
	noon     = time.Date(2025, 1, 2, 12, 0, 0, 0, time.UTC)
)

func made(health, checks string, annotated bool, taints ...corev1.Taint) *corev1.Node {
	node := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "n", ResourceVersion: "7", Labels: map[string]string{}}}
	for key, value := range map[string]string{healthKey: health, checksKey: checks} {
		if value != "" {
			node.Labels[key] = value
		}
	}
	if annotated {
		node.Annotations = map[string]string{fencedAt: "2025-01-01T00:00:00Z"}
	}
	node.Spec.Taints = taints
	return node
}

func TestDecide(t *testing.T) {
	cases := []struct {
		name string
		node *corev1.Node
		want change
	}{
		{"a healthy node is left alone", made("Schedulable", "Passed", false), nothing},
		{"an unschedulable node is fenced", made("Unschedulable", "", false), fence},
		{"any word that begins so fences", made("UnschedulablePendingReboot", "", false), fence},
		{"a running check fences", made("Schedulable", inProgress, false), fence},
		{"a failed check alone does not fence", made("Schedulable", failed, false), nothing},
		{"a fenced node stays fenced", made("Unschedulable", "", true, ourTaint), nothing},
		{"a healed node is released", made("Schedulable", "", true, ourTaint), release},
		{"somebody else's taint is not lifted", made("Schedulable", "", false, ourTaint), nothing},
		{"a running check keeps the fence", made("Schedulable", inProgress, true, ourTaint), nothing},
		{"a failed check keeps the fence", made("Schedulable", failed, true, ourTaint), nothing},
		{"no label keeps the fence", made("", "", true, ourTaint), nothing},
		{"a foreign taint is not the fence", made("Unschedulable", "", false, foreign), fence},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if got := decide(c.node); got != c.want {
				t.Fatalf("got %v, want %v", got, c.want)
			}
		})
	}
}

func TestPatch(t *testing.T) {
	guard := `{"op":"test","path":"/metadata/resourceVersion","value":"7"}`
	team := `{"key":"team","value":"a","effect":"NoExecute"}`
	ours := `{"key":"` + healthKey + `","value":"Unschedulable","effect":"NoSchedule"}`
	cases := []struct {
		name string
		node *corev1.Node
		what change
		want string
	}{
		{"fence keeps foreign taints and makes the annotations", made(unfit, "", false, foreign), fence,
			`[` + guard + `,{"op":"add","path":"/spec/taints","value":[` + team + `,` + ours + `]},` +
				`{"op":"add","path":"/metadata/annotations","value":{"` + fencedAt + `":"2025-01-02T12:00:00Z"}}]`},
		{"fence adds to annotations that are there", made(unfit, "", true), fence,
			`[` + guard + `,{"op":"add","path":"/spec/taints","value":[` + ours + `]},` +
				`{"op":"add","path":"` + fencedPath + `","value":"2025-01-02T12:00:00Z"}]`},
		{"release takes away taint and annotation", made("Schedulable", "", true, ourTaint, foreign), release,
			`[` + guard + `,{"op":"replace","path":"/spec/taints","value":[` + team + `]},` +
				`{"op":"remove","path":"` + fencedPath + `"}]`},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got, err := json.Marshal(patch(c.node, c.what, noon))
			if err != nil || string(got) != c.want {
				t.Fatalf("got %s (%v), want %s", got, err, c.want)
			}
		})
	}
}

func TestPatchLeavesTheCachedNodeAlone(t *testing.T) {
	node := made("Schedulable", "", true, ourTaint, foreign)
	patch(node, release, noon)
	if len(node.Spec.Taints) != 2 || node.Spec.Taints[0] != ourTaint || node.Spec.Taints[1] != foreign {
		t.Fatalf("the taints were changed: %+v", node.Spec.Taints)
	}
}
