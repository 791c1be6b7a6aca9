package kubedns

import (
	"os"
	"regexp"
	"strings"
	"testing"

	apps "k8s.io/api/apps/v1"
	core "k8s.io/api/core/v1"
	policy "k8s.io/api/policy/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"sigs.k8s.io/yaml"
)

// manifests are the objects of docs/kubernetes.md.
type manifests struct {
	secrets      map[string]*core.Secret
	services     map[string]*core.Service
	statefulSets []*apps.StatefulSet
	deployments  []*apps.Deployment
	budgets      []*policy.PodDisruptionBudget
}

var yamlBlock = regexp.MustCompile("(?s)```yaml\n(.*?)```")

// parseManifests parses the blocks of YAML of the page. A field that Kubernetes does not
// have is an error.
func parseManifests(t *testing.T) *manifests {
	t.Helper()
	page, err := os.ReadFile("../../docs/kubernetes.md")
	must(t, err)
	m := &manifests{secrets: make(map[string]*core.Secret), services: make(map[string]*core.Service)}
	for _, block := range yamlBlock.FindAllStringSubmatch(string(page), -1) {
		for _, document := range strings.Split(block[1], "\n---\n") {
			m.add(t, []byte(document))
		}
	}
	return m
}

func (m *manifests) add(t *testing.T, document []byte) {
	t.Helper()
	var kind meta.TypeMeta
	must(t, yaml.Unmarshal(document, &kind))
	parse := func(object any) {
		t.Helper()
		if err := yaml.UnmarshalStrict(document, object); err != nil {
			t.Errorf("%s: %v", kind.Kind, err)
		}
	}
	switch kind.APIVersion + " " + kind.Kind {
	case "v1 Secret":
		o := new(core.Secret)
		parse(o)
		m.secrets[o.Name] = o
	case "v1 Service":
		o := new(core.Service)
		parse(o)
		m.services[o.Name] = o
	case "apps/v1 StatefulSet":
		o := new(apps.StatefulSet)
		parse(o)
		m.statefulSets = append(m.statefulSets, o)
	case "apps/v1 Deployment":
		o := new(apps.Deployment)
		parse(o)
		m.deployments = append(m.deployments, o)
	case "policy/v1 PodDisruptionBudget":
		o := new(policy.PodDisruptionBudget)
		parse(o)
		m.budgets = append(m.budgets, o)
	default:
		t.Errorf("unknown kind %s %s", kind.APIVersion, kind.Kind)
	}
}

// The objects of the page have only fields that Kubernetes knows, and refer to objects,
// ports, volumes and keys that exist.
func TestManifests(t *testing.T) {
	m := parseManifests(t)
	if len(m.statefulSets) != 1 || len(m.deployments) != 1 || len(m.services) != 2 || len(m.secrets) != 1 || len(m.budgets) != 1 {
		t.Fatalf("the page has %d StatefulSets, %d Deployments, %d Services, %d Secrets and %d PodDisruptionBudgets",
			len(m.statefulSets), len(m.deployments), len(m.services), len(m.secrets), len(m.budgets))
	}
	set := m.statefulSets[0]
	own := m.services[set.Spec.ServiceName]
	if own == nil || !own.Spec.PublishNotReadyAddresses {
		t.Errorf("the service of the StatefulSet, %q, must exist and publish addresses that are not ready", set.Spec.ServiceName)
	}
	ports := checkPod(t, m, set.Spec.Selector, &set.Spec.Template)
	volumes := make(map[string]bool)
	for _, claim := range set.Spec.VolumeClaimTemplates {
		volumes[claim.Name] = true
	}
	for _, container := range set.Spec.Template.Spec.Containers {
		for _, mount := range container.VolumeMounts {
			if !volumes[mount.Name] {
				t.Errorf("%s mounts %s, which does not exist", container.Name, mount.Name)
			}
		}
	}
	for name, service := range m.services {
		if service.Spec.ClusterIP != core.ClusterIPNone {
			t.Errorf("%s is not headless", name)
		}
		if !labels.SelectorFromSet(service.Spec.Selector).Matches(labels.Set(set.Spec.Template.Labels)) {
			t.Errorf("%s selects other pods", name)
		}
		for _, port := range service.Spec.Ports {
			if ports[port.Name] != port.Port {
				t.Errorf("%s has the port %s %d, the pods have %d", name, port.Name, port.Port, ports[port.Name])
			}
		}
	}
	checkSelector(t, m.budgets[0].Spec.Selector, set.Spec.Template.Labels)
	checkPod(t, m, m.deployments[0].Spec.Selector, &m.deployments[0].Spec.Template)
}

// checkPod checks a template of pods and returns its named ports.
func checkPod(t *testing.T, m *manifests, selector *meta.LabelSelector, pod *core.PodTemplateSpec) map[string]int32 {
	t.Helper()
	checkSelector(t, selector, pod.Labels)
	ports := make(map[string]int32)
	for _, container := range pod.Spec.Containers {
		for _, port := range container.Ports {
			ports[port.Name] = port.ContainerPort
		}
	}
	for _, container := range pod.Spec.Containers {
		for _, variable := range container.Env {
			if variable.ValueFrom == nil || variable.ValueFrom.SecretKeyRef == nil {
				continue
			}
			key := variable.ValueFrom.SecretKeyRef
			if secret := m.secrets[key.Name]; secret == nil || secret.StringData[key.Key] == "" {
				t.Errorf("%s needs the key %s of the Secret %s", variable.Name, key.Key, key.Name)
			}
		}
		probe := container.ReadinessProbe
		if probe == nil || container.LivenessProbe != nil {
			t.Errorf("%s needs a readiness probe and no liveness probe", container.Name)
		} else if get := probe.HTTPGet; get != nil && ports[get.Port.StrVal] == 0 {
			t.Errorf("the probe of %s is for port %s, which does not exist", container.Name, get.Port.String())
		}
		if hook := container.Lifecycle; hook == nil || hook.PreStop.Sleep.Seconds >= *pod.Spec.TerminationGracePeriodSeconds {
			t.Errorf("%s needs a preStop that leaves time to end", container.Name)
		}
	}
	return ports
}

func checkSelector(t *testing.T, selector *meta.LabelSelector, of map[string]string) {
	t.Helper()
	s, err := meta.LabelSelectorAsSelector(selector)
	must(t, err)
	if s.Empty() || !s.Matches(labels.Set(of)) {
		t.Errorf("the selector %s does not match the labels %v", s, of)
	}
}
