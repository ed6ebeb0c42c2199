"""The usual kinds of custom resources that pods are made of, by the name of what brings them.

Each row was read off the custom resource's own types or schema, at the tag or commit of its
``source``. Left out are kinds that other kinds make (a Knative Revision, a Fleet's GameServerSet),
kinds that only hold parts which another object completes (a Tekton Task, a Strimzi KafkaNodePool,
a Kubeflow TrainJob), and kinds that belong to no namespace.
"""

from collections.abc import Iterable, Mapping

from webhook.core.field_paths import field_path
from webhook.core.outline import MadeContainer, Outline, Place, place, places
from webhook.core.workload import WorkloadKind


def _templates(
    group: str, kind: str, resource: str, source: str, *paths: str, class_where: str = ""
) -> WorkloadKind:
    """A kind that embeds whole pod templates."""
    return WorkloadKind(
        group=group,
        kind=kind,
        resource=resource,
        source=source,
        templates=tuple(field_path(path) for path in paths),
        class_where=class_where,
    )


def _outlines(
    group: str, kind: str, resource: str, source: str, outlines: Iterable[Outline]
) -> WorkloadKind:
    """A kind whose pods are told by outlines."""
    return WorkloadKind(
        group=group, kind=kind, resource=resource, source=source, outlines=tuple(outlines)
    )


_ROLLOUTS = "argoproj/argo-rollouts@v1.9.1:manifests/crds"
_WORKFLOWS = "argoproj/argo-workflows@v4.1.2:pkg/apis/workflow/v1alpha1/workflow_types.go"
_CNPG = "cloudnative-pg/cloudnative-pg@v1.30.0:pkg/specs/pods.go"
_DEPLOYMENT_CONFIG = "openshift/api@2a3d73913:apps/v1/types.go"
_ECK = "elastic/cloud-on-k8s@v3.5.0:config/crds/v1/resources"
_KNATIVE = "knative/serving@v0.50.0:config/core/300-resources"
_KNATIVE_FLAG = (
    "in its pod template, if kubernetes.podspec-runtimeclassname is on in Knative's config-features"
)
_KRUISE = "openkruise/kruise@v1.9.0:apis/apps/v1alpha1"
_KUBEFLOW = "kubeflow/training-operator@v1.9.0:manifests/base/crds"
_KUBEVIRT = "kubevirt/kubevirt@v1.9.0:pkg/virt-controller/services/template.go"
_PROMETHEUS = "prometheus-operator/prometheus-operator@v0.93.0:pkg/apis/monitoring/v1"
_RAY = "ray-project/kuberay@v1.7.0:ray-operator/config/crd/bases"
_SPARK = "kubeflow/spark-operator@v2.5.2:api/v1beta2/sparkapplication_types.go"
_TEKTON = "tektoncd/pipeline@v1.15.0:pkg/apis/pipeline"

_POD_FIELDS = (
    "nodeSelector", "affinity", "tolerations", "serviceAccountName", "securityContext",
    "hostNetwork", "hostUsers", "resourceClaims", "volumes",
)  # fmt: skip


def _workflow(spec: str) -> Outline:
    """The pods of the workflow spec at ``spec``: one for each template that runs something.

    What stands in a template goes before the defaults and the workflow's own
    (workflow/controller/workflowpod.go). A patch of the pod's spec may change anything.
    """
    defaults = f"/{spec}.templateDefaults"
    return Outline(
        each=field_path(f"{spec}.templates[*]"),
        among=places("container", "script", "containerSet"),
        unless=places("podSpecPatch", f"{defaults}.podSpecPatch", f"/{spec}.podSpecPatch"),
        metadata=places(f"/{spec}.podMetadata", f"{defaults}.metadata", "metadata"),
        containers=places("container", "script", "containerSet.containers", "sidecars"),
        init_containers=places("initContainers"),
        fields={
            name: places(name, f"{defaults}.{name}", f"/{spec}.{name}") for name in _POD_FIELDS
        },
        class_at=place(f"/{spec}.podSpecPatch"),
    )


def _monitoring(name: str, image: str) -> Outline:
    """The pods of a kind of the Prometheus operator."""
    made = MadeContainer(
        name=name, images=places("spec.image"), default=image, version=place("spec.version")
    )
    return Outline(
        metadata=places("spec.podMetadata"),
        containers=places("spec.containers"),
        init_containers=places("spec.initContainers"),
        made=(made,),
        fields={name: places(f"spec.{name}") for name in _POD_FIELDS},
    )


def _elastic(kind: str, plural: str, group: str, *pods: str, name: str, image: str) -> WorkloadKind:
    """A kind of Elastic Cloud on Kubernetes: templates that the operator completes."""
    made = MadeContainer(
        name=name,
        images=places("/spec.image"),
        default=f"docker.elastic.co/{image}",
        version=place("/spec.version"),
    )
    return _outlines(
        group,
        kind,
        plural,
        f"{_ECK}/{group}_{plural}.yaml",
        (
            Outline(
                each=field_path(each),
                template=place("podTemplate"),
                made=(made,),
                class_at=place("podTemplate.spec.runtimeClassName"),
            )
            for each in pods
        ),
    )


def _spark(spec: str, role: str) -> Outline:
    """The pods of one role of a Spark application."""
    at = f"/{spec}.{role}"
    made = MadeContainer(
        name=f"spark-kubernetes-{role}", images=places(f"{at}.image", f"/{spec}.image")
    )
    names = (*_POD_FIELDS, "shareProcessNamespace")
    own = {name: places(f"{at}.{name}") for name in names}
    return Outline(
        each=field_path(f"{spec}.{role}"),
        template=place("template"),
        metadata=places(at),
        containers=places("sidecars"),
        init_containers=places("initContainers"),
        made=(made,),
        fields={
            **own,
            "serviceAccountName": places(f"{at}.serviceAccount"),
            "securityContext": places(f"{at}.podSecurityContext"),
            "volumes": places(f"/{spec}.volumes"),
        },
        class_at=place("template.spec.runtimeClassName"),
    )


def _tasks(each: str, template: str, account: str, *unless: str) -> Outline:
    """The pod of a Tekton task that stands in the run itself."""
    return Outline(
        each=field_path(each),
        unless=places(*unless),
        containers=places("taskSpec.steps", "taskSpec.sidecars"),
        fields={
            **{name: places(f"/{template}.{name}") for name in (*_POD_FIELDS, "runtimeClassName")},
            "serviceAccountName": places(f"/{account}"),
            "volumes": places("taskSpec.volumes", f"/{template}.volumes"),
        },
        class_at=place(f"/{template}.runtimeClassName"),
    )


def _launcher(spec: str) -> Outline:
    """The launcher of a virtual machine."""
    launcher = MadeContainer(name="compute", default="quay.io/kubevirt/virt-launcher")
    kept = ("nodeSelector", "affinity", "tolerations", "serviceAccountName")
    return Outline(
        each=field_path(spec),
        among=places("domain"),
        made=(launcher,),
        fields={name: places(name) for name in kept},
    )


_POD_PATCH = Place(root=True, path=("metadata", "annotations", "cnpg.io/podPatch"))
_POSTGRES = Outline(
    unless=(_POD_PATCH,),
    class_at=_POD_PATCH,
    class_where="by a JSON patch in its annotation cnpg.io/podPatch",
    metadata=places("spec.inheritedMetadata"),
    made=(
        MadeContainer(
            name="postgres",
            images=places("spec.imageName"),
            default="ghcr.io/cloudnative-pg/postgresql",
        ),
    ),
    fields={
        "nodeSelector": places("spec.affinity.nodeSelector"),
        "tolerations": places("spec.affinity.tolerations"),
        "securityContext": places("spec.podSecurityContext"),
        "serviceAccountName": places("spec.serviceAccountName", "metadata.name"),
    },
)
_POOLER = Outline(
    template=place("spec.template"),
    made=(
        MadeContainer(
            name="pgbouncer",
            images=places("spec.pgbouncer.image"),
            default="ghcr.io/cloudnative-pg/pgbouncer",
        ),
    ),
    class_at=place("spec.template.spec.runtimeClassName"),
)

# fmt: off
PRESETS: Mapping[str, tuple[WorkloadKind, ...]] = {
    "agones": (
        _templates("agones.dev", "Fleet", "fleets",
                   "googleforgames/agones@v1.56.0:install/yaml/install.yaml",
                   "spec.template.spec.template"),
        _templates("agones.dev", "GameServer", "gameservers",
                   "googleforgames/agones@v1.56.0:install/yaml/install.yaml", "spec.template"),
    ),
    "argo-rollouts": (
        _templates("argoproj.io", "Rollout", "rollouts", f"{_ROLLOUTS}/rollout-crd.yaml",
                   "spec.template"),
        _templates("argoproj.io", "Experiment", "experiments", f"{_ROLLOUTS}/experiment-crd.yaml",
                   "spec.templates[*].template"),
    ),
    "argo-workflows": (
        _outlines("argoproj.io", "Workflow", "workflows", _WORKFLOWS, [_workflow("spec")]),
        _outlines("argoproj.io", "WorkflowTemplate", "workflowtemplates", _WORKFLOWS,
                  [_workflow("spec")]),
        _outlines("argoproj.io", "CronWorkflow", "cronworkflows", _WORKFLOWS,
                  [_workflow("spec.workflowSpec")]),
    ),
    "cloudnative-pg": (
        _outlines("postgresql.cnpg.io", "Cluster", "clusters", _CNPG, [_POSTGRES]),
        _outlines("postgresql.cnpg.io", "Pooler", "poolers",
                  "cloudnative-pg/cloudnative-pg@v1.30.0:api/v1/pooler_types.go", [_POOLER]),
    ),
    "elastic": (
        _elastic("Elasticsearch", "elasticsearches", "elasticsearch.k8s.elastic.co",
                 "spec.nodeSets[*]", name="elasticsearch", image="elasticsearch/elasticsearch"),
        _elastic("Kibana", "kibanas", "kibana.k8s.elastic.co", "spec",
                 name="kibana", image="kibana/kibana"),
        _elastic("ApmServer", "apmservers", "apm.k8s.elastic.co", "spec",
                 name="apm-server", image="apm/apm-server"),
        _elastic("Logstash", "logstashes", "logstash.k8s.elastic.co", "spec",
                 name="logstash", image="logstash/logstash"),
        _elastic("EnterpriseSearch", "enterprisesearches", "enterprisesearch.k8s.elastic.co",
                 "spec", name="enterprise-search", image="enterprise-search/enterprise-search"),
        _elastic("ElasticMapsServer", "elasticmapsservers", "maps.k8s.elastic.co", "spec",
                 name="maps", image="elastic-maps-service/elastic-maps-server"),
        _elastic("Agent", "agents", "agent.k8s.elastic.co", "spec.daemonSet", "spec.deployment",
                 "spec.statefulSet", name="agent", image="elastic-agent/elastic-agent"),
    ),
    "jobset": (
        _templates("jobset.x-k8s.io", "JobSet", "jobsets",
                   "kubernetes-sigs/jobset@v0.12.0:config/components/crd/bases/"
                   "jobset.x-k8s.io_jobsets.yaml",
                   "spec.replicatedJobs[*].template.spec.template"),
    ),
    "keda": (
        _templates("keda.sh", "ScaledJob", "scaledjobs",
                   "kedacore/keda@v2.20.2:config/crd/bases/keda.sh_scaledjobs.yaml",
                   "spec.jobTargetRef.template"),
    ),
    "knative-serving": (
        _templates("serving.knative.dev", "Service", "services", f"{_KNATIVE}/service.yaml",
                   "spec.template", class_where=_KNATIVE_FLAG),
        _templates("serving.knative.dev", "Configuration", "configurations",
                   f"{_KNATIVE}/configuration.yaml", "spec.template",
                   class_where=_KNATIVE_FLAG),
    ),
    "kubeflow": (
        _templates("kubeflow.org", "TFJob", "tfjobs", f"{_KUBEFLOW}/kubeflow.org_tfjobs.yaml",
                   "spec.tfReplicaSpecs[*].template"),
        _templates("kubeflow.org", "PyTorchJob", "pytorchjobs",
                   f"{_KUBEFLOW}/kubeflow.org_pytorchjobs.yaml",
                   "spec.pytorchReplicaSpecs[*].template"),
        _templates("kubeflow.org", "MPIJob", "mpijobs",
                   "kubeflow/mpi-operator@v0.8.0:manifests/base/kubeflow.org_mpijobs.yaml",
                   "spec.mpiReplicaSpecs[*].template"),
        _templates("kubeflow.org", "XGBoostJob", "xgboostjobs",
                   f"{_KUBEFLOW}/kubeflow.org_xgboostjobs.yaml",
                   "spec.xgbReplicaSpecs[*].template"),
        _templates("kubeflow.org", "PaddleJob", "paddlejobs",
                   f"{_KUBEFLOW}/kubeflow.org_paddlejobs.yaml",
                   "spec.paddleReplicaSpecs[*].template"),
        _templates("kubeflow.org", "JAXJob", "jaxjobs", f"{_KUBEFLOW}/kubeflow.org_jaxjobs.yaml",
                   "spec.jaxReplicaSpecs[*].template"),
        _templates("kubeflow.org", "Notebook", "notebooks",
                   "kubeflow/kubeflow@v1.10.0:components/notebook-controller/api/v1/"
                   "notebook_types.go", "spec.template"),
        _templates("trainer.kubeflow.org", "TrainingRuntime", "trainingruntimes",
                   "kubeflow/training-operator@a55f03a8c:manifests/base/crds/"
                   "trainer.kubeflow.org_trainingruntimes.yaml",
                   "spec.template.spec.replicatedJobs[*].template.spec.template"),
    ),
    "kuberay": (
        _templates("ray.io", "RayCluster", "rayclusters", f"{_RAY}/ray.io_rayclusters.yaml",
                   "spec.headGroupSpec.template", "spec.workerGroupSpecs[*].template"),
        _templates("ray.io", "RayJob", "rayjobs", f"{_RAY}/ray.io_rayjobs.yaml",
                   "spec.rayClusterSpec.headGroupSpec.template",
                   "spec.rayClusterSpec.workerGroupSpecs[*].template",
                   "spec.submitterPodTemplate"),
        _templates("ray.io", "RayService", "rayservices", f"{_RAY}/ray.io_rayservices.yaml",
                   "spec.rayClusterConfig.headGroupSpec.template",
                   "spec.rayClusterConfig.workerGroupSpecs[*].template"),
        _templates("ray.io", "RayCronJob", "raycronjobs", f"{_RAY}/ray.io_raycronjobs.yaml",
                   "spec.jobTemplate.rayClusterSpec.headGroupSpec.template",
                   "spec.jobTemplate.rayClusterSpec.workerGroupSpecs[*].template",
                   "spec.jobTemplate.submitterPodTemplate"),
    ),
    "kubevirt": (
        _outlines("kubevirt.io", "VirtualMachine", "virtualmachines", _KUBEVIRT,
                  [_launcher("spec.template.spec")]),
        _outlines("kubevirt.io", "VirtualMachineInstance", "virtualmachineinstances", _KUBEVIRT,
                  [_launcher("spec")]),
    ),
    "leaderworkerset": (
        _templates("leaderworkerset.x-k8s.io", "LeaderWorkerSet", "leaderworkersets",
                   "kubernetes-sigs/lws@v0.10.0:config/crd/bases/"
                   "leaderworkerset.x-k8s.io_leaderworkersets.yaml",
                   "spec.leaderWorkerTemplate.leaderTemplate",
                   "spec.leaderWorkerTemplate.workerTemplate"),
    ),
    "openkruise": (
        _templates("apps.kruise.io", "CloneSet", "clonesets", f"{_KRUISE}/cloneset_types.go",
                   "spec.template"),
        _templates("apps.kruise.io", "StatefulSet", "statefulsets",
                   f"{_KRUISE}/statefulset_types.go", "spec.template"),
        _templates("apps.kruise.io", "DaemonSet", "daemonsets", f"{_KRUISE}/daemonset_types.go",
                   "spec.template"),
        _templates("apps.kruise.io", "BroadcastJob", "broadcastjobs",
                   f"{_KRUISE}/broadcastjob_types.go", "spec.template"),
        _templates("apps.kruise.io", "AdvancedCronJob", "advancedcronjobs",
                   f"{_KRUISE}/advancedcronjob_types.go",
                   "spec.template.jobTemplate.spec.template",
                   "spec.template.broadcastJobTemplate.spec.template"),
        _templates("apps.kruise.io", "UnitedDeployment", "uniteddeployments",
                   f"{_KRUISE}/uniteddeployment_types.go",
                   "spec.template.statefulSetTemplate.spec.template",
                   "spec.template.advancedStatefulSetTemplate.spec.template",
                   "spec.template.cloneSetTemplate.spec.template",
                   "spec.template.deploymentTemplate.spec.template"),
    ),
    "openshift": (
        _templates("apps.openshift.io", "DeploymentConfig", "deploymentconfigs",
                   _DEPLOYMENT_CONFIG, "spec.template"),
    ),
    "prometheus-operator": (
        _outlines("monitoring.coreos.com", "Prometheus", "prometheuses",
                  f"{_PROMETHEUS}/prometheus_types.go",
                  [_monitoring("prometheus", "quay.io/prometheus/prometheus")]),
        _outlines("monitoring.coreos.com", "Alertmanager", "alertmanagers",
                  f"{_PROMETHEUS}/alertmanager_types.go",
                  [_monitoring("alertmanager", "quay.io/prometheus/alertmanager")]),
        _outlines("monitoring.coreos.com", "ThanosRuler", "thanosrulers",
                  f"{_PROMETHEUS}/thanos_types.go",
                  [_monitoring("thanos-ruler", "quay.io/thanos/thanos")]),
    ),
    "spark-operator": (
        _outlines("sparkoperator.k8s.io", "SparkApplication", "sparkapplications", _SPARK,
                  [_spark("spec", "driver"), _spark("spec", "executor")]),
        _outlines("sparkoperator.k8s.io", "ScheduledSparkApplication", "scheduledsparkapplications",
                  _SPARK, [_spark("spec.template", "driver"), _spark("spec.template", "executor")]),
    ),
    "tekton": (
        _outlines("tekton.dev", "TaskRun", "taskruns", f"{_TEKTON}/v1/taskrun_types.go",
                  [_tasks("spec", "spec.podTemplate", "spec.serviceAccountName")]),
        _outlines("tekton.dev", "PipelineRun", "pipelineruns",
                  f"{_TEKTON}/v1/pipelinerun_types.go",
                  [_tasks("spec.pipelineSpec.tasks[*]", "spec.taskRunTemplate.podTemplate",
                          "spec.taskRunTemplate.serviceAccountName", "/spec.taskRunSpecs"),
                   _tasks("spec.pipelineSpec.finally[*]", "spec.taskRunTemplate.podTemplate",
                          "spec.taskRunTemplate.serviceAccountName", "/spec.taskRunSpecs")]),
    ),
    "volcano": (
        _templates("batch.volcano.sh", "Job", "jobs",
                   "volcano-sh/apis@v1.15.0:pkg/apis/batch/v1alpha1/job.go",
                   "spec.tasks[*].template"),
    ),
}
# fmt: on
