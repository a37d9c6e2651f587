"""TF Serving in containers: docker-compose.yaml and kubernetes.yaml as text.

Both mount the folder of all artefacts read-only, run as a user without rights and
write nothing. Knows what a server needs, and nothing of the network.
"""

import json
import re
from dataclasses import dataclass
from string import Template

from tfnlp.export.deployment.server_flags import GRPC, METRICS, REST, flags

IMAGE = "tensorflow/serving:2.19.1"
"""Pinned: `tfnlp.export.savedmodel.server_ops` says what this server knows."""

_COMPOSE = """\
# TF Serving on this machine; REST at $rest, gRPC at $grpc, for this machine only:
#
#     docker compose -f saved_models/$name/serving/docker-compose.yaml up
#
# New versions and promoted labels are taken up without a restart, since the folder is
# mounted and not its files: those are replaced. For other machines, write "$rest:$rest"
# and put a proxy with TLS and passwords before it: TF Serving has neither.
name: $object
services:
  serving:
    image: $image
    command:$batching
$flags
    ports:
      - "127.0.0.1:$grpc:$grpc"  # gRPC
      - "127.0.0.1:$rest:$rest"  # REST
    volumes:
      - type: bind
        source: ..
        target: /models/$name
        read_only: true
    user: "65534:65534"  # nobody
    read_only: true
    tmpfs: [/tmp]
    cap_drop: [ALL]
    security_opt: ["no-new-privileges:true"]
    restart: unless-stopped
    healthcheck:  # the image has no curl; bash can speak to a port
      test:
        - CMD
        - bash
        - -c
        - $health
      interval: 10s
      timeout: 5s
      retries: 3
      start_period: 300s  # load and warm-up
    deploy:
      resources:
        limits: {cpus: "4", memory: ${memory}m}
"""

_KUBERNETES = """\
# TF Serving in a cluster, with the versions on a volume:
#
#     kubectl apply -f saved_models/$name/serving/kubernetes.yaml
#     (copy the folder $name to the volume, see README.md)
#
# Pods become ready when their version is loaded and warmed up. New versions and
# promoted labels on the volume are taken up without a restart.
apiVersion: v1
kind: PersistentVolumeClaim
metadata:
  name: $object-models
  labels: {app.kubernetes.io/name: $object}
spec:
  accessModes: [ReadWriteMany]  # pods on several nodes; on one node, ReadWriteOnce
  resources:
    requests:
      storage: 10Gi
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: $object
  labels: {app.kubernetes.io/name: $object}
spec:
  # no replicas: that is for the HorizontalPodAutoscaler to say
  selector:
    matchLabels: {app.kubernetes.io/name: $object}
  strategy:
    rollingUpdate: {maxUnavailable: 0, maxSurge: 1}
  template:
    metadata:
      labels: {app.kubernetes.io/name: $object}
      annotations:
        prometheus.io/scrape: "true"
        prometheus.io/port: "$rest"
        prometheus.io/path: $metrics
    spec:
      automountServiceAccountToken: false
      terminationGracePeriodSeconds: 60
      securityContext:
        runAsNonRoot: true
        runAsUser: 65534  # nobody
        runAsGroup: 65534
        seccompProfile: {type: RuntimeDefault}
      containers:
        - name: serving
          image: $image
          args:$batching
$flags
          ports:
            - {name: grpc, containerPort: $grpc}
            - {name: rest, containerPort: $rest}
          # TF Serving opens the port of REST when the first version is loaded.
          startupProbe:
            httpGet: {path: /v1/models/$name, port: rest}
            periodSeconds: 5
            failureThreshold: 60  # five minutes for load and warm-up
          readinessProbe:
            httpGet: {path: /v1/models/$name, port: rest}
            periodSeconds: 5
            timeoutSeconds: 2
          livenessProbe:
            httpGet: {path: /v1/models/$name, port: rest}
            periodSeconds: 20
            timeoutSeconds: 5
          lifecycle:
            preStop:
              exec: {command: [sleep, "10"]}  # until no requests are sent here
          resources:
            requests: {cpu: "1", memory: ${memory}Mi}
            limits: {cpu: "4", memory: ${memory}Mi}
          securityContext:
            allowPrivilegeEscalation: false
            readOnlyRootFilesystem: true
            capabilities: {drop: [ALL]}
          volumeMounts:
            - {name: models, mountPath: /models, readOnly: true}
            - {name: tmp, mountPath: /tmp}
      volumes:
        - name: models
          persistentVolumeClaim: {claimName: $object-models}
        - name: tmp
          emptyDir: {}
---
apiVersion: v1
kind: Service
metadata:
  name: $object
  labels: {app.kubernetes.io/name: $object}
spec:
  selector: {app.kubernetes.io/name: $object}
  ports:
    - {name: grpc, port: $grpc, targetPort: grpc, appProtocol: kubernetes.io/h2c}
    - {name: rest, port: $rest, targetPort: rest}
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata:
  name: $object
  labels: {app.kubernetes.io/name: $object}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: $object}
  minReplicas: 2
  maxReplicas: 10
  metrics:
    - type: Resource
      resource:
        name: cpu
        target: {type: Utilization, averageUtilization: 70}  # of requests.cpu
  behavior:
    scaleDown: {stabilizationWindowSeconds: 300}  # a pod needs time to load
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  name: $object
  labels: {app.kubernetes.io/name: $object}
spec:
  maxUnavailable: 1
  selector:
    matchLabels: {app.kubernetes.io/name: $object}
"""

_HEALTH = (
    "exec 3<>/dev/tcp/127.0.0.1/$rest && "
    "printf 'GET /v1/models/$name HTTP/1.0\\r\\n\\r\\n' >&3 && "
    "grep -q AVAILABLE <&3"
)
_OFF = "  # without --enable_batching, since fields may be left out: README.md"


@dataclass(frozen=True)
class Server:
    """What is to be served, and with what."""

    name: str
    """Of the artefact."""
    batching: bool
    """Whether rows of several requests go through the network together."""
    memory: int
    """MiB that the server may use."""
    image: str = IMAGE


def compose(server: Server) -> str:
    """One server for one machine, out of reach for others."""
    return _filled(_COMPOSE, server, indent=6)


def kubernetes(server: Server) -> str:
    """Claim, Deployment, Service, HorizontalPodAutoscaler and PodDisruptionBudget."""
    return _filled(_KUBERNETES, server, indent=12)


def object_name(name: str) -> str:
    """A name as Kubernetes takes it: small letters, digits and ``-``, 52 at most.

    Example:
    >>> object_name("My_reviews.v2")
    'tfnlp-my-reviews-v2'
    """
    return f"tfnlp-{re.sub('[^a-z0-9]+', '-', name.lower())}"[:52].rstrip("-")


def _filled(text: str, server: Server, *, indent: int) -> str:
    own = flags(server.name, batching=server.batching)
    health = Template(_HEALTH).substitute(name=server.name, rest=REST)
    return Template(text).substitute(
        name=server.name,
        object=object_name(server.name),
        image=server.image,
        memory=server.memory,
        batching="" if server.batching else _OFF,
        flags="\n".join(f"{' ' * indent}- {flag}" for flag in own),
        health=json.dumps(health),  # quoted as YAML quotes, too
        grpc=GRPC,
        rest=REST,
        metrics=METRICS,
    )
