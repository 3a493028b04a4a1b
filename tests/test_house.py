"""The rules of the house that neither ruff, pyright nor import-linter looks after."""

import ast
import json
import re
import shutil
import subprocess
import sys
import tomllib
from collections import Counter
from functools import cache
from importlib.metadata import packages_distributions
from ipaddress import ip_address, ip_network
from itertools import chain
from pathlib import Path

import pytest
import yaml

from infra.settings import OLD_NAMES, PREFIX, table
from tests.kit.paths import ROOT

PACKAGES = ("domain", "infra", "projections", "application", "workers", "api")
DEPLOY = ROOT / "docs" / "deploy"
MODULES = sorted(file for name in PACKAGES for file in (ROOT / name).rglob("*.py"))
# A larger folder shows no sense any more: it is cut by sense.
MOST_MODULES = 20

_LOCKS = ("requirements.lock", "tests/clients/requirements.lock")
# Scripts of make, which run with the tools of developers or with nothing.
SETUP_SCRIPTS = {
    ROOT / "api" / "web" / "frontend" / "vendor.py",
    *(ROOT / "infra" / "setup").glob("*.py"),
}


def _of_the_repository(file: Path) -> str:
    return str(file.relative_to(ROOT))


@cache
def _files() -> list[Path]:
    """Every text file that is in git, or would be."""
    git = shutil.which("git")
    if git is None or not (ROOT / ".git").exists():
        pytest.skip("not a git clone")
    command = [git, "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    names = subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout
    files = [ROOT / name.decode() for name in names.split(b"\0") if name]
    return [f for f in files if f.is_file() and b"\0" not in f.read_bytes()]


def test_a_module_opens_with_a_sentence():
    without = [
        _of_the_repository(module)
        for module in MODULES
        if not ast.get_docstring(ast.parse(module.read_text()))
    ]

    assert not without


def test_every_library_that_is_imported_is_a_declared_dependency():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"].values()
    declared = {_plain(name) for name in chain(project["dependencies"], *extras)}
    distributions = packages_distributions()

    undeclared = {
        (library, _of_the_repository(module))
        for module in set(MODULES) - SETUP_SCRIPTS
        for library in _imported(module)
        if not declared & {_plain(name) for name in distributions.get(library, ())}
    }

    assert not undeclared


def test_no_package_has_more_than_twenty_modules():
    sizes = Counter(module.parent for module in MODULES if module.name != "__init__.py")

    too_large = {
        _of_the_repository(package): size
        for package, size in sizes.items()
        if size > MOST_MODULES
    }

    assert too_large == {}


def test_every_floor_has_a_contract_that_names_all_of_its_modules():
    linter = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"][
        "importlinter"
    ]

    named = [
        container
        for contract in linter["contracts"]
        if contract.get("exhaustive") and "exhaustive_ignores" not in contract
        for container in contract["containers"]
    ]

    assert linter["root_packages"] == list(PACKAGES)
    assert set(PACKAGES) <= set(named)


@pytest.mark.parametrize("lock", _LOCKS)
def test_every_locked_package_has_a_version_and_hashes(lock: str):
    text = (ROOT / lock).read_text()

    entries = re.split(r"\n(?=\S)", text.strip())

    assert len(entries) > 20
    for entry in entries:
        assert re.match(r"[a-z0-9-]+==[^\s;]+ ", entry), entry
        assert "--hash=sha256:" in entry, entry


@pytest.mark.parametrize("lock", _LOCKS)
def test_the_lock_names_no_index(lock: str):
    text = (ROOT / lock).read_text()

    assert "://" not in text
    assert "--index-url" not in text
    assert "--find-links" not in text


@pytest.mark.parametrize("folder", ("api/web/frontend", "tests/clients"))
def test_locked_packages_of_npm_have_hashes_and_name_no_registry(folder: str):
    lock = json.loads((ROOT / folder / "package-lock.json").read_text())

    packages = [each for path, each in lock["packages"].items() if path]
    assert packages
    for package in packages:
        assert package["integrity"].startswith("sha512-"), package
        assert "resolved" not in package, package


def test_no_file_names_a_path_outside_the_repository():
    found = [
        (_of_the_repository(file), path)
        for file in _files()
        for path in re.findall(r"(?:\.\./)+[\w.][\w./-]*", file.read_text())
        if not (file.parent / path).resolve().is_relative_to(ROOT)
        # Tests of path traversal ask for this one.
        and "/etc/" not in path
    ]

    assert found == []


def test_no_file_names_the_folder_this_clone_is_in():
    found = [_of_the_repository(f) for f in _files() if f"{ROOT}/" in f.read_text()]

    assert found == []


def test_every_setting_that_is_named_anywhere_exists():
    known = {row.variable for row in table()} | OLD_NAMES.keys()

    unknown = {
        (name, _of_the_repository(file))
        for file in _files()
        if "tests" not in file.relative_to(ROOT).parts
        for name in re.findall(rf"{PREFIX}[A-Z_]*[A-Z]", file.read_text())
        if name not in known and not name.startswith(f"{PREFIX}TEST")
    }

    assert not unknown


def test_compose_gives_each_process_a_service_that_waits_for_the_schema():
    services = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]

    ours = {name: s for name, s in services.items() if s["image"] == "goatherd"}

    assert {name: s["command"][0] for name, s in ours.items()} == {
        "migrate": "migrate",
        "api": "serve",
        "projector": "project",
        "dispatcher": "dispatch",
        "worker": "work",
        "backup": "backup",
    }
    for name, service in ours.items():
        waits_for = service["depends_on"]
        if name == "migrate":
            assert waits_for == {"postgres": {"condition": "service_healthy"}}
        else:
            condition = waits_for["migrate"]["condition"]
            assert condition == "service_completed_successfully"
    for name in ("postgres", "valkey", "api"):
        assert services[name]["healthcheck"]["test"]


def test_compose_has_no_password_of_its_own_and_containers_may_do_little():
    text = (ROOT / "compose.yaml").read_text()
    services = yaml.safe_load(text)["services"]

    # ${NAME:-default} would be a secret that everybody knows.
    assert not re.search(r"\$\{[A-Z_]*(PASSWORD|SECRET)[A-Z_]*:-", text)
    for service in services.values():
        # A full disk stops the database.
        assert service["logging"]["options"]["max-size"]
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]


def test_the_backup_of_compose_keeps_data_and_keys_apart_in_volumes():
    compose = yaml.safe_load((ROOT / "compose.yaml").read_text())
    service = compose["services"]["backup"]
    image = (ROOT / "Dockerfile").read_text()

    folders = dict(volume.split(":") for volume in service["volumes"])
    assert set(folders) <= set(compose["volumes"])
    written = [Path(word).parent for word in service["command"] if "/" in word]
    assert {str(folder) for folder in written} == set(folders.values())
    assert len(written) == 2
    # A volume takes the owner of the folder in the image, which is no longer root.
    (made,) = re.findall(r"install -d -o goatherd -g goatherd -m 0700 (.+)", image)
    pictures = compose["services"]["api"]["environment"]["GOATHERD_DATA_DIR"]
    assert {*folders.values(), pictures} == set(made.split())


def test_the_proxy_of_compose_is_the_one_that_the_api_trusts():
    compose = yaml.safe_load((ROOT / "compose.yaml").read_text())
    proxy = compose["services"]["proxy"]

    address = proxy["networks"]["default"]["ipv4_address"]
    trusted = compose["x-environment"]["GOATHERD_TRUSTED_PROXIES"]
    assert trusted == f"${{GOATHERD_TRUSTED_PROXIES:-{address}}}"
    (network,) = compose["networks"]["default"]["ipam"]["config"]
    assert ip_address(address) in ip_network(network["subnet"])
    used = set(re.findall(r"\{\$([A-Z_]+)", (DEPLOY / "Caddyfile").read_text()))
    assert used == set(proxy["environment"])


def test_the_image_is_built_from_files_that_docker_is_given():
    given = {
        line.removeprefix("!")
        for line in (ROOT / ".dockerignore").read_text().splitlines()
        if line.startswith("!")
    }
    copied = re.findall(
        r"(?m)^COPY (?!--from)(.+) \S+$", (ROOT / "Dockerfile").read_text()
    )

    assert {name for line in copied for name in line.split()} <= given


def test_rules_for_prometheus_use_metrics_and_headings_that_exist():
    rules = yaml.safe_load((DEPLOY / "prometheus-rules.yml").read_text())
    (group,) = rules["groups"]
    sources = [*(ROOT / "api").rglob("*.py")]
    code = "".join(file.read_text() for file in sources)
    operating = (ROOT / "docs" / "operating.md").read_text()

    for rule in group["rules"]:
        for metric in re.findall(r"goatherd_[a-z_]+", rule["expr"]):
            # The name of a family ends with that of one of its numbers.
            family = re.sub("^goatherd_(projection|rebuild)_", "", metric)
            assert family.removesuffix("_total") in code, metric
        (page, heading) = rule["annotations"]["look_at"].split(", ", 1)
        assert page == "docs/operating.md"
        assert f"## {heading.strip(chr(34))}\n" in operating


def test_the_unit_of_systemd_starts_a_command_that_exists():
    unit = (DEPLOY / "goatherd.service").read_text()

    (start,) = re.findall(r"(?m)^ExecStart=(.+)$", unit)
    program, command, *options = start.split()
    assert program.endswith("/bin/goatherd")
    assert command == "up"
    assert options == ["--data-dir", "/var/lib/goatherd/data"]


def test_images_are_pinned_by_digest():
    services = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]
    images = {service["image"] for service in services.values()} - {"goatherd"}
    bases = set(re.findall(r"(?m)^FROM (\S+)", (ROOT / "Dockerfile").read_text()))

    assert len(images) == 3
    assert len(bases) == 1
    for image in images | bases:
        assert re.fullmatch(r"[a-z/]+:[\w.-]+@sha256:[0-9a-f]{64}", image)


@pytest.mark.parametrize(
    ("name", "command"), (("check", ".ci/run"), ("full", ".ci/run full clients"))
)
def test_a_workflow_runs_the_script_of_ci_in_the_image_of_the_dockerfile(
    name: str, command: str
):
    workflow = yaml.safe_load((ROOT / f".github/workflows/{name}.yml").read_text())
    (job,) = workflow["jobs"].values()
    bases = set(re.findall(r"(?m)^FROM (\S+)", (ROOT / "Dockerfile").read_text()))
    developers = (ROOT / ".devcontainer" / "Dockerfile").read_text()

    assert [step["run"] for step in job["steps"] if "run" in step][-1] == command
    assert {job["container"]["image"]} == bases
    assert set(re.findall(r"(?m)^FROM (\S+)", developers)) == bases
    for step in job["steps"]:
        assert re.fullmatch(r"[\w/-]+@[0-9a-f]{40}", step.get("uses", "a@" + "0" * 40))
    assert workflow["permissions"] == {"contents": "read"}


def test_the_container_of_developers_has_the_packages_of_ci():
    script = (ROOT / ".ci" / "run").read_text()
    (packages,) = re.findall(r"^debian_packages=\((.+)\)$", script, re.MULTILINE)
    developers = (ROOT / ".devcontainer" / "Dockerfile").read_text()
    container = json.loads((ROOT / ".devcontainer/devcontainer.json").read_text())

    assert set(packages.split()) <= set(developers.split())
    assert container["postCreateCommand"] == "make setup"


def test_hooks_run_the_tools_of_the_project_and_of_make():
    config = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())
    (repository,) = config["repos"]
    checks = (ROOT / "Makefile").read_text()

    assert repository["repo"] == "local"
    for hook in repository["hooks"]:
        tool, *_ = hook["entry"].split()
        assert hook["language"] == "system"
        assert tool == "make" or f"$(BIN)/{tool.removeprefix('.venv/bin/')}" in checks


def test_the_form_of_an_issue_is_one_that_can_be_filled_in():
    form = yaml.safe_load((ROOT / ".github/ISSUE_TEMPLATE/problem.yml").read_text())
    fields = [part for part in form["body"] if part["type"] != "markdown"]

    assert form["name"]
    assert form["description"]
    assert len({field["id"] for field in fields}) == len(fields)
    assert all(field["attributes"]["label"] for field in fields)
    assert any(field.get("validations", {}).get("required") for field in fields)


def _plain(requirement: str) -> str:
    name = re.match(r"[\w.-]+", requirement)
    return re.sub(r"[-_.]+", "-", name[0]).lower() if name else ""


def _imported(module: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(module.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module.partition(".")[0])
    return names - set(sys.stdlib_module_names) - set(PACKAGES)
