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
		node.Annotations = map[string]string{taintedAt: "2025-01-01T00:00:00Z"}
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
		{"an unschedulable node is tainted", made("Unschedulable", "", false), addTaint},
		{"any word that begins so taints", made("UnschedulablePendingReboot", "", false), addTaint},
		{"a running check taints", made("Schedulable", inProgress, false), addTaint},
		{"a failed check alone does not taint", made("Schedulable", failed, false), nothing},
		{"a tainted node stays tainted", made("Unschedulable", "", true, ourTaint), nothing},
		{"a healed node is released", made("Schedulable", "", true, ourTaint), removeTaint},
		{"somebody else's taint is not lifted", made("Schedulable", "", false, ourTaint), nothing},
		{"a running check keeps the taint", made("Schedulable", inProgress, true, ourTaint), nothing},
		{"a failed check keeps the taint", made("Schedulable", failed, true, ourTaint), nothing},
		{"no label keeps the taint", made("", "", true, ourTaint), nothing},
		{"a foreign taint is not the health taint", made("Unschedulable", "", false, foreign), addTaint},
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
		{"tainting keeps foreign taints and makes the annotations", made(unfit, "", false, foreign), addTaint,
			`[` + guard + `,{"op":"add","path":"/spec/taints","value":[` + team + `,` + ours + `]},` +
				`{"op":"add","path":"/metadata/annotations","value":{"` + taintedAt + `":"2025-01-02T12:00:00Z"}}]`},
		{"tainting adds to annotations that are there", made(unfit, "", true), addTaint,
			`[` + guard + `,{"op":"add","path":"/spec/taints","value":[` + ours + `]},` +
				`{"op":"add","path":"` + taintedPath + `","value":"2025-01-02T12:00:00Z"}]`},
		{"removing takes away taint and annotation", made("Schedulable", "", true, ourTaint, foreign), removeTaint,
			`[` + guard + `,{"op":"replace","path":"/spec/taints","value":[` + team + `]},` +
				`{"op":"remove","path":"` + taintedPath + `"}]`},
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
	patch(node, removeTaint, noon)
	if len(node.Spec.Taints) != 2 || node.Spec.Taints[0] != ourTaint || node.Spec.Taints[1] != foreign {
		t.Fatalf("the taints were changed: %+v", node.Spec.Taints)
	}
}
