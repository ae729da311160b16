# syntax=docker/dockerfile:1
# The operator's image: Python, what requirements.lock pins by hash, and the operator. No test bed, no build tools.
#
#   docker build --build-arg PYTHON_IMAGE=python:3.13-slim-trixie@sha256:… --build-arg REVISION="$(git rev-parse HEAD)" .
#
# Give the digest in a release: a tag can move. With LOCK=requirements-otel.lock the image can send traces.
ARG PYTHON_IMAGE=python:3.13-slim-trixie

FROM ${PYTHON_IMAGE} AS build
ENV PREFIX=/opt/hyperpod-operator
WORKDIR /src
ARG LOCK=requirements.lock
# Services whose data of botocore stays: those that the operator calls, and those that AWS credentials may come from.
ENV CALLED="ec2 eks fsx iam kms pricing s3 sagemaker service-quotas sts" \
    CREDENTIALS="signin sso sso-oidc"
COPY ${LOCK} ./
COPY operator/hyperpod_operator ./operator/hyperpod_operator
# The operator is pure Python: it is copied beside its packages, so no build backend that is not in the lock runs.
# What no code of it can reach is taken out again: the synchronous Kubernetes client, which its package would import at
# every start; the generated classes of the asynchronous one, which are imported when one is asked for by name; the data of
# AWS services that are never called; and the models of those that are, because the operator carries its own.
# Compiled here, because the root file system is read-only where it runs.
RUN set -eu; \
    python3 -m venv --without-pip "$PREFIX"; \
    python3 -m pip --python "$PREFIX/bin/python" install --quiet --no-cache-dir --disable-pip-version-check \
      --no-deps --only-binary=:all: --require-hashes -r "$LOCK"; \
    site="$("$PREFIX/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')"; \
    find "$site"/kubernetes -mindepth 1 -maxdepth 1 ! -name aio -exec rm -r {} +; \
    : > "$site"/kubernetes/__init__.py; \
    find "$site"/kubernetes/aio/client/api "$site"/kubernetes/aio/client/models ! -name __init__.py -type f -delete; \
    for service in "$site"/botocore/data/*/; do \
      case " $CALLED $CREDENTIALS " in *" $(basename "$service") "*) ;; *) rm -r "$service" ;; esac; \
    done; \
    for service in $CALLED; do find "$site/botocore/data/$service" -name service-2.json.gz -delete; done; \
    cp -R operator/hyperpod_operator "$site/"; \
    printf '%s\n' "#!$PREFIX/bin/python" 'from hyperpod_operator.cli import main' 'main(prog_name="hyperpod-operator")' \
      > "$PREFIX/bin/hyperpod-operator"; \
    chmod 0755 "$PREFIX/bin/hyperpod-operator"; \
    "$PREFIX/bin/python" -m compileall -q -j 0 "$site"

FROM ${PYTHON_IMAGE}
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="hyperpod-operator" \
      org.opencontainers.image.description="Kubernetes operator for Amazon SageMaker HyperPod clusters on Amazon EKS" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
COPY --from=build /opt/hyperpod-operator /opt/hyperpod-operator
COPY LICENSE /opt/hyperpod-operator/LICENSE
ENV PATH=/opt/hyperpod-operator/bin:$PATH \
    HOME=/tmp \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
# A number, so that runAsNonRoot can be checked; above 10000, so that it is nobody's on the node.
USER 65532:65532
EXPOSE 8080 8081
ENTRYPOINT ["hyperpod-operator"]
CMD ["run"]
