"""Builds the image without a container engine, runs it, and checks what it promises.

``python -m scripts.image`` needs root on Debian or Ubuntu, and three packages: debootstrap makes
the file system of the base image, buildah builds in a chroot, and runc, the runtime below Docker
and containerd, runs the result. Decision: docs/decisions/0024-image-test.md
"""
