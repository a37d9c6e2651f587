"""Compose and Kubernetes start TF Serving with what is there, and with no rights."""

import pytest
import yaml

from tfnlp.export.deployment import bundle, containers

NAME = "My_reviews.v2"


@pytest.fixture
def found(original, manifests):
    return manifests(original)


@pytest.mark.parametrize("kind", ["composed", "container"])
def test_servers_are_started_with_files_that_are_there(kind, found, original):
    server = getattr(found, kind)
    named = dict(
        flag[2:].split("=") for flag in server.get("command") or server["args"]
    )
    paths = [path for name, path in named.items() if name.endswith("_file")]
    inside = [original / path.removeprefix(f"/models/{NAME}/") for path in paths]
    assert [path.is_file() for path in inside] == [True] * 3
    assert named["enable_batching"] == "true"


def test_flags_are_known_to_tf_serving(found):
    """They are in model_servers/main.cc of TF Serving 2.19.1 and 2.20.0."""
    assert {flag[2:].partition("=")[0] for flag in found.container["args"]} == {
        "model_config_file",
        "model_config_file_poll_wait_seconds",
        "file_system_poll_wait_seconds",
        "allow_version_labels_for_unavailable_models",
        "monitoring_config_file",
        "enable_batching",
        "batching_parameters_file",
    }


def test_there_is_no_batching_where_fields_may_be_left_out(optional, manifests):
    """TF Serving refuses to put [1] and [B] into one batch."""
    found = manifests(optional)
    flags = [*found.composed["command"], *found.container["args"]]
    assert [flag for flag in flags if "batching" in flag] == []


def test_the_composed_server_is_for_this_machine(found, original):
    assert found.composed["ports"] == ["127.0.0.1:8500:8500", "127.0.0.1:8501:8501"]
    (volume,) = found.composed["volumes"]
    assert (volume["target"], volume["read_only"]) == (f"/models/{NAME}", True)
    assert (original / "serving" / volume["source"]).resolve() == original.resolve()


def test_the_composed_server_writes_nothing_and_has_limits(found):
    assert found.composed["read_only"]
    assert found.composed["cap_drop"] == ["ALL"]
    assert found.composed["user"] == "65534:65534"
    limits = found.composed["deploy"]["resources"]["limits"]
    assert limits == {"cpus": "4", "memory": "1024m"}


def test_the_image_is_pinned(found):
    assert found.composed["image"] == found.container["image"] == containers.IMAGE
    assert containers.IMAGE == "tensorflow/serving:2.19.1"


def test_kubernetes_gets_one_object_of_each_kind(found):
    assert [(each["apiVersion"], each["kind"]) for each in found.objects] == [
        ("v1", "PersistentVolumeClaim"),
        ("apps/v1", "Deployment"),
        ("v1", "Service"),
        ("autoscaling/v2", "HorizontalPodAutoscaler"),
        ("policy/v1", "PodDisruptionBudget"),
    ]


def test_every_selector_finds_the_pods(found):
    labels = found.pod["metadata"]["labels"]
    assert found.kinds["Service"]["spec"]["selector"] == labels
    for kind in ("Deployment", "PodDisruptionBudget"):
        assert found.kinds[kind]["spec"]["selector"]["matchLabels"] == labels


def test_objects_name_one_another(found):
    scaler = found.kinds["HorizontalPodAutoscaler"]["spec"]
    deployment = found.kinds["Deployment"]
    names = [deployment[name] for name in ("apiVersion", "kind")]
    names.append(deployment["metadata"]["name"])
    assert list(scaler["scaleTargetRef"].values()) == names
    claimed = found.pod["spec"]["volumes"][0]["persistentVolumeClaim"]["claimName"]
    assert claimed == found.kinds["PersistentVolumeClaim"]["metadata"]["name"]


def test_the_number_of_pods_is_the_scalers(found):
    """A Deployment that is applied again would set back what the scaler said."""
    assert "replicas" not in found.kinds["Deployment"]["spec"]
    scaler = found.kinds["HorizontalPodAutoscaler"]["spec"]
    assert 2 <= scaler["minReplicas"] < scaler["maxReplicas"]
    assert scaler["metrics"][0]["resource"]["name"] == "cpu"


@pytest.mark.parametrize("probe", ["startupProbe", "readinessProbe", "livenessProbe"])
def test_probes_ask_for_the_model(probe, found):
    ports = {port["name"]: port["containerPort"] for port in found.container["ports"]}
    get = found.container[probe]["httpGet"]
    assert (get["path"], ports[get["port"]]) == (f"/v1/models/{NAME}", 8501)


def test_pods_have_limits_and_no_rights(found):
    server = found.container
    for kind in ("requests", "limits"):
        assert set(server["resources"][kind]) == {"cpu", "memory"}
    assert found.pod["spec"]["securityContext"]["runAsNonRoot"]
    assert server["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }


def test_pods_mount_what_the_claim_holds_and_cannot_write_it(found):
    mounts = {each["name"]: each for each in found.container["volumeMounts"]}
    assert set(mounts) == {each["name"] for each in found.pod["spec"]["volumes"]}
    assert mounts["models"]["mountPath"] == "/models"
    assert mounts["models"]["readOnly"]


def test_the_service_reaches_the_ports_of_the_pods(found):
    named = {port["name"]: port["containerPort"] for port in found.container["ports"]}
    ports = found.kinds["Service"]["spec"]["ports"]
    assert {port["targetPort"]: port["port"] for port in ports} == named


def test_a_large_network_gets_more_memory(base):
    data = base / "1" / "variables" / "variables.data-00000-of-00001"
    with data.open("ab") as file:
        file.truncate(500 * 1024 * 1024)
    composed = bundle.texts("big", base / "1")["docker-compose.yaml"]
    server = yaml.safe_load(composed)["services"]["serving"]
    assert server["deploy"]["resources"]["limits"]["memory"] == "3072m"


def test_another_image_is_taken_in_both(base, manifests):
    bundle.write(base, image="tensorflow/serving:2.20.0")
    found = manifests(base)
    images = {found.composed["image"], found.container["image"]}
    assert images == {"tensorflow/serving:2.20.0"}


@pytest.mark.parametrize("name", ["Reviews", "a_b.c", "9", "x" * 80, "a-.-"])
def test_kubernetes_takes_the_name_of_any_artefact(name):
    found = f"{containers.object_name(name)}-models"
    assert len(found) <= 63
    assert found == found.lower()
    assert all(part.isalnum() for part in found.split("-"))
