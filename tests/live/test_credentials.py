"""The way to an API server: a pod's service account, a kubeconfig, or neither."""

import base64
import json
import ssl
from datetime import UTC, datetime
from pathlib import Path

import pytest

from certs.issue import IssuedCert, issue_ca, issue_serving
from tests.live.fake_api import FakeApi, namespace, serving
from webhook.live.credentials import NoClusterError, find_access, find_context, in_cluster
from webhook.live.kube import ApiError, KubeApi

NAMESPACES = "/api/v1/namespaces"
# OpenSSL judges by the real clock, so the certificates have to live in the present.
NOW = datetime.now(UTC)  # noqa: TID251 - a real client reads its own clock


def account(folder: Path, *, token: str = "t0ken") -> Path:
    (folder / "token").write_text(f"{token}\n")
    (folder / "ca.crt").write_text("PEM")
    return folder


def test_in_a_pod_the_service_account_is_used_and_its_token_read_each_time(tmp_path: Path) -> None:
    environ = {"KUBERNETES_SERVICE_HOST": "10.0.0.1", "KUBERNETES_SERVICE_PORT": "6443"}
    found = in_cluster(environ, account(tmp_path))
    assert found.host == "https://10.0.0.1:6443"
    assert found.files == (tmp_path / "ca.crt",)
    assert found.authorization() == "Bearer t0ken"
    account(tmp_path, token="r0tated")
    assert found.authorization() == "Bearer r0tated"


def test_an_ipv6_service_address_gets_brackets(tmp_path: Path) -> None:
    found = in_cluster({"KUBERNETES_SERVICE_HOST": "fd00::1"}, account(tmp_path))
    assert found.host == "https://[fd00::1]:443"


def test_a_pod_without_a_service_account_is_told_so(tmp_path: Path) -> None:
    with pytest.raises(NoClusterError) as caught:
        in_cluster({"KUBERNETES_SERVICE_HOST": "10.0.0.1"}, tmp_path)
    assert str(caught.value) == (
        f"{tmp_path / 'token'}: missing, so this pod has no service account to use"
    )


def tls_context(folder: Path, ca: IssuedCert) -> ssl.SSLContext:
    pair = issue_serving(ca, now=NOW, dns_names=(), ip_addresses=("127.0.0.1",))
    path = folder / "apiserver.pem"
    path.write_bytes(pair.key_pem + pair.cert_pem)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return context


def test_in_a_pod_the_api_server_is_known_by_the_cas_of_the_account_as_they_are_then(
    fake: FakeApi, tmp_path: Path
) -> None:
    ca, other = issue_ca(now=NOW), issue_ca(now=NOW)
    folder = account(tmp_path)
    (folder / "ca.crt").write_bytes(other.cert_pem)
    with serving(fake, tls=tls_context(tmp_path, ca)) as url:
        port = url.rpartition(":")[2]
        environ = {"KUBERNETES_SERVICE_HOST": "127.0.0.1", "KUBERNETES_SERVICE_PORT": port}
        api = KubeApi(in_cluster(environ, folder))
        with pytest.raises(ApiError, match="certificate verify failed"):
            api.list_page(NAMESPACES, limit=1)
        (folder / "new").write_bytes(ca.cert_pem)
        (folder / "new").rename(folder / "ca.crt")
        assert api.list_page(NAMESPACES, limit=1).items == ()


def kubeconfig(tmp_path: Path, url: str, **user: str) -> Path:
    path = tmp_path / "config"
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "c",
        "contexts": [{"name": "c", "context": {"cluster": "k", "user": "u"}}],
        "clusters": [{"name": "k", "cluster": {"server": url}}],
        "users": [{"name": "u", "user": user}],
    }
    path.write_text(json.dumps(config))
    return path


def test_a_kubeconfig_is_followed_with_its_token(fake: FakeApi, url: str, tmp_path: Path) -> None:
    fake.put(NAMESPACES, namespace("a"))
    path = kubeconfig(tmp_path, f"{url}/", token="s3cret")
    found = find_access(kubeconfig=path, environ={})
    page = KubeApi(found).list_page(NAMESPACES, limit=5)
    assert [item["metadata"]["name"] for item in page.items] == ["a"]
    assert fake.authorizations == ["Bearer s3cret"]


def test_whoever_names_a_kubeconfig_or_a_context_gets_it_in_a_pod_too(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    environ = {"KUBERNETES_SERVICE_HOST": "10.0.0.1"}
    path = kubeconfig(tmp_path, url)
    assert find_access(kubeconfig=path, environ=environ).host == url
    assert find_context(kubeconfig=path, environ=environ).name == "c"
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))
    with pytest.raises(NoClusterError, match="no kubeconfig"):
        find_access(context="c", environ=environ)


def test_certificates_inside_a_kubeconfig_become_files_that_are_watched(tmp_path: Path) -> None:
    data = base64.b64encode(b"PEM").decode()
    path = kubeconfig(
        tmp_path,
        "https://127.0.0.1:6443",
        **{"client-certificate-data": data, "client-key-data": data},
    )
    assert len(find_access(kubeconfig=path, environ={}).files) == 2


@pytest.mark.parametrize(
    "content",
    [
        None,
        "",
        "a: [",
        "[1]",
        "hello",
        '{"current-context": "c", "contexts": "x"}',
        (
            '{"current-context": "c", "contexts": [{"name": "c", "context": {"cluster": "k"}}], '
            '"clusters": [{"name": "k", "cluster": {}}]}'
        ),
    ],
    ids=["missing", "empty", "no YAML", "a list", "a text", "wrong types", "no server"],
)
def test_a_kubeconfig_that_is_none_is_an_error_of_one_line(
    tmp_path: Path, content: str | None
) -> None:
    path = tmp_path / "config"
    if content is not None:
        path.write_text(content)
    with pytest.raises(NoClusterError) as caught:
        find_access(kubeconfig=path, environ={})
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


def test_where_there_is_no_kubeconfig_it_says_how_to_name_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KUBECONFIG", f"{tmp_path}/none")
    for ask in (find_access, find_context):
        with pytest.raises(NoClusterError) as caught:
            ask(environ={})
        assert str(caught.value) == (
            f"no kubeconfig: {tmp_path}/none is not there; KUBECONFIG or --kubeconfig names another"
        )
