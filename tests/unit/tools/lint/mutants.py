"""Recipes of the suite, each broken in one place, and what the linter has to say about them."""

from dataclasses import dataclass

CAPTURE, INFERENCE, MODEL = "smartcam.Capture", "smartcam.Inference", "smartcam.Model"
RUNTIME, SUITE = "smartcam.Runtime", "smartcam.Suite"

SUITE_RUNS = """\
      run:
        # There is nothing to run, but nucleus lite waits until every component runs or has ended well.
        Script: echo "Smartcam {COMPONENT_VERSION}"
"""


@dataclass(frozen=True)
class Mutant:
    """`old` becomes `new` in a recipe; the finding stands in the line that holds `at`, and says `says`."""

    name: str
    recipe: str
    old: str
    new: str
    at: str
    says: str


def broken(name: str, recipe: str, old: str, new: str, says: str, at: str | None = None) -> Mutant:
    return Mutant(name, recipe, old, new, new.strip().splitlines()[0] if at is None else at, says)


IN_STRUCTURE = (
    # YAML and keys
    broken("no YAML", CAPTURE, "ComponentName: ", "ComponentName: [", "is not YAML", at="ComponentVersion"),
    broken("a key twice", MODEL, "ComponentPublisher: Smartcam", "ComponentName: twice", "is given twice"),
    broken("a misspelt top key", MODEL, "ComponentPublisher", "ComponentPublsher", "did you mean 'ComponentPublisher'"),
    broken("a top key in lower case", MODEL, "Manifests:", "manifests:", "did you mean 'Manifests'"),
    broken(
        "another format", MODEL, '"2020-01-25"', '"2021-01-25"', "'2021-01-25' is unknown", at="RecipeFormatVersion"
    ),
    broken(
        "a format that is a date", MODEL, '"2020-01-25"', "2020-01-25", "put it in quotes", at="RecipeFormatVersion"
    ),
    broken(
        "no format", MODEL, 'RecipeFormatVersion: "2020-01-25"\n', "", "RecipeFormatVersion is missing", at="Component"
    ),
    broken(
        "another name", MODEL, "ComponentName: smartcam.Model", "ComponentName: smartcam.Modle", "the file is called"
    ),
    broken("a name with a space", MODEL, "Name: smartcam.Model", "Name: smartcam Model", "1 to 128 letters"),
    broken("version banana", MODEL, 'Version: "{COMPONENT_VERSION}"', "Version: banana", "'banana' is not a version"),
    broken("another version", MODEL, 'Version: "{COMPONENT_VERSION}"', 'Version: "9.9.9"', "but the suite is"),
    broken("GDK's next patch", MODEL, 'Version: "{COMPONENT_VERSION}"', "Version: NEXT_PATCH", "is not a version"),
    broken("a lambda", MODEL, "ComponentPublisher: Smartcam", "ComponentType: aws.greengrass.lambda", "is unknown"),
    broken(
        "two lines of description", MODEL, "ComponentPublisher: Smartcam", 'ComponentPublisher: "a\\nb"', "one line"
    ),
    broken("a top-level lifecycle", MODEL, "Manifests:", "Lifecycle: {}\nManifests:", "write it into the manifest"),
    # dependencies
    broken(
        "a misspelt dependency", CAPTURE, "  smartcam.Runtime:", "  smartcam.Runtme:", "did you mean 'smartcam.Runtime'"
    ),
    broken(
        "no DependencyType",
        CAPTURE,
        "    DependencyType: SOFT\n",
        "",
        "DependencyType is missing",
        at="  smartcam.Runtime:",
    ),
    broken("a soft DependencyType", CAPTURE, "DependencyType: SOFT", "DependencyType: soft", "did you mean 'SOFT'"),
    broken("HARD on what ends at once", CAPTURE, "Type: SOFT", "Type: HARD", "write SOFT", at="  smartcam.Runtime:"),
    broken(
        "a caret", CAPTURE, '">=0.1.0 <1.0.0"', '"^0.1.0"', "nucleus lite knows bounds only", at="VersionRequirement"
    ),
    broken(
        "a tilde", CAPTURE, '">=0.1.0 <1.0.0"', '"~0.1.0"', "nucleus lite knows bounds only", at="VersionRequirement"
    ),
    broken(
        "a wildcard", CAPTURE, '">=0.1.0 <1.0.0"', '"0.1.x"', "nucleus lite knows bounds only", at="VersionRequirement"
    ),
    broken("a space in a bound", CAPTURE, '">=0.1.0 <1.0.0"', '">= 0.1.0"', "is not a bound", at="VersionRequirement"),
    broken("no range", CAPTURE, "VersionRequirement:", "VersionRequirment:", "did you mean 'VersionRequirement'"),
    broken(
        "a range beside the suite", CAPTURE, '">=0.1.0 <1.0.0"', '">=7.0.0"', "leaves out", at="  smartcam.Runtime:"
    ),
    broken("itself", CAPTURE, "  smartcam.Runtime:", "  smartcam.Capture:", "cannot depend on itself"),
    broken(
        "a circle",
        MODEL,
        "Manifests:",
        "ComponentDependencies:\n  smartcam.Inference:\n"
        '    VersionRequirement: ">=0.1.0"\n    DependencyType: SOFT\nManifests:',
        "depends on",
        at="  smartcam.Inference:",
    ),
    broken(
        "a suite that forgets one",
        SUITE,
        '  smartcam.Model:\n    VersionRequirement: "={COMPONENT_VERSION}"\n    DependencyType: SOFT\n',
        "",
        "does not bring smartcam.Model",
        at="RecipeFormatVersion",
    ),
    # manifests and platforms
    broken("no manifest", SUITE, "Manifests:", "Manifests: []\nunused:", "at least one manifest"),
    broken("a manifest as an object", SUITE, "  - Platform:", "    Platform:", "must be a list", at="Manifests:"),
    broken(
        "no platform",
        SUITE,
        '  - Platform:\n      os: linux\n      runtime: "*"\n    Lifecycle',
        "  - Lifecycle",
        "Platform is missing",
    ),
    broken("no runtime", CAPTURE, '      runtime: "*"\n', "", "runtime is missing", at="  - Platform:"),
    broken("the other nucleus's runtime", CAPTURE, 'runtime: "*"', "runtime: aws_nucleus_classic", "is unknown"),
    broken("no os", CAPTURE, "      os: linux\n", "", "os is missing", at="  - Platform:"),
    broken("another os", CAPTURE, "os: linux", "os: darwin", "'darwin' is unknown"),
    broken("an OS in capitals", CAPTURE, "      os: linux", "      OS: linux", "did you mean 'os'"),
    broken("an unknown architecture", RUNTIME, "architecture: aarch64", "architecture: arm64", "'arm64' is unknown"),
    broken(
        "an architecture's detail",
        RUNTIME,
        "      os: linux\n      architecture: amd64",
        "      architecture.detail: x\n      os: linux\n      architecture: amd64",
        "ignores it",
    ),
    broken(
        "the same architecture twice",
        RUNTIME,
        "architecture: amd64",
        "architecture: aarch64",
        "is never chosen",
        at="Platform:#2",
    ),
    # artifacts
    broken("no artifacts", SUITE, "    Artifacts: []\n", "", "Artifacts is missing", at="  - Platform:"),
    broken(
        "URI",
        CAPTURE,
        "      - Uri: s3://BUCKET_NAME/smartcam.Capture/{COMPONENT_VERSION}/run.sh",
        "      - URI: s3://BUCKET_NAME/smartcam.Capture/{COMPONENT_VERSION}/run.sh",
        "did you mean 'Uri'",
        at="- URI:",
    ),
    broken(
        "an artifact that is not made",
        CAPTURE,
        "/smartcam-capture.zip\n",
        "/smartcam-captre.zip\n",
        "did you mean 'smartcam-capture.zip'",
        at="/smartcam-captre.zip",
    ),
    broken(
        "an artifact elsewhere",
        CAPTURE,
        "s3://BUCKET_NAME/smartcam.Capture/{COMPONENT_VERSION}/run.sh",
        "s3://mine/run.sh",
        "must begin with s3://BUCKET_NAME/smartcam.Capture/",
        at="s3://mine",
    ),
    broken(
        "a forgotten artifact",
        MODEL,
        "      - Uri: s3://BUCKET_NAME/smartcam.Model/{COMPONENT_VERSION}/smartcam-model.zip\n"
        "        Unarchive: NONE\n",
        "",
        "no manifest names smartcam-model.zip",
        at="Manifests:",
    ),
    broken("unarchive TAR", CAPTURE, "Unarchive: NONE", "Unarchive: TAR", "'TAR' is unknown"),
    broken("unarchive ZIP", CAPTURE, "Unarchive: NONE", "Unarchive: ZIP", "unpacks nothing in a local deployment"),
    broken(
        "a permission of nobody",
        CAPTURE,
        "        Unarchive: NONE",
        "        Permission: {Read: SOMEBODY}",
        "'SOMEBODY' is unknown",
    ),
    broken(
        "a misspelt permission",
        CAPTURE,
        "        Unarchive: NONE",
        "        Permission: {Exec: ALL}",
        "did you mean 'Execute'",
    ),
    # lifecycle
    broken(
        "no lifecycle",
        SUITE,
        f"    Lifecycle:\n{SUITE_RUNS}",
        "",
        "Lifecycle is missing",
        at="  - Platform:",
    ),
    broken(
        "an empty lifecycle",
        SUITE,
        f"Lifecycle:\n{SUITE_RUNS}",
        "Lifecycle: {}\n",
        "needs at least one of the phases",
    ),
    broken("phase rnu", CAPTURE, "      run:", "      rnu:", "unknown key 'rnu'; did you mean 'run'"),
    broken("phase Run", CAPTURE, "      run:", "      Run:", "did you mean 'run'"),
    broken("shutdown", CAPTURE, "      run:", "      shutdown: echo bye\n      run:", "nucleus lite has no shutdown"),
    broken("recover", CAPTURE, "      run:", "      recover: echo again\n      run:", "nucleus lite has no recover"),
    broken("no run", SUITE, "      run:\n", "      install:\n", "run is missing", at="    Lifecycle:"),
    broken("bootstrap", CAPTURE, "      run:", "      bootstrap: echo hi\n      run:", "use install"),
    broken(
        "startup beside run",
        CAPTURE,
        "      run:",
        "      startup: echo hi\n      run:",
        "is given beside startup",
        at="      run:",
    ),
    broken("no script", MODEL, "        Script: |", "        Scrpt: |", "did you mean 'Script'"),
    broken("a script in lower case", MODEL, "        Script: |", "        script: |", "did you mean 'Script'"),
    broken("an empty script", SUITE, 'Script: echo "Smartcam {COMPONENT_VERSION}"', 'Script: ""', "must be text"),
    broken(
        "Skipif", MODEL, "        Script: |", "        Skipif: onpath git\n        Script: |", "unknown to nucleus lite"
    ),
    broken("timeout soon", RUNTIME, "Timeout: 900", "Timeout: soon", "whole number of seconds"),
    broken("a timeout of nothing", RUNTIME, "Timeout: 900", "Timeout: 0", "must be above 0"),
    broken("a timeout in milliseconds", RUNTIME, "Timeout: 900", "Timeout: 900000", "Timeout counts seconds"),
    broken("too short for the packages", RUNTIME, "Timeout: 900", "Timeout: 120", "needs a Timeout of 900"),
    broken(
        "no time for the packages",
        RUNTIME,
        "who starts it again.\n        Timeout: 900\n",
        "who starts it again.\n",
        "needs a Timeout of 900",
        at="      install:",
    ),
    broken(
        "a timeout of run",
        CAPTURE,
        "        # SOFT dependencies",
        "        Timeout: 60\n        # SOFT dependencies",
        "would kill it on classic",
    ),
    broken(
        "root",
        CAPTURE,
        "        Script: |",
        "        RequiresPrivilege: true\n        Script: |",
        "nothing of the suite needs root",
    ),
    broken(
        "a privilege of maybe",
        CAPTURE,
        "        Script: |",
        "        RequiresPrivilege: maybe\n        Script: |",
        "true or false",
    ),
    broken("sudo", MODEL, '          sh "{artifacts', '          sudo sh "{artifacts', "without root", at="sudo sh"),
    broken(
        "a number in Setenv",
        CAPTURE,
        "        Script: |",
        "        Setenv: {A: 5}\n        Script: |",
        "put it in quotes",
        at="Setenv",
    ),
    broken(
        "a name with a dash in Setenv",
        CAPTURE,
        "        Script: |",
        "        Setenv: {A-B: x}\n        Script: |",
        "environment variable",
        at="Setenv",
    ),
    # variables
    broken("an unknown variable", MODEL, "{work:path}", "{work:pth}", "did you mean 'work:path'", at="{work:pth}"),
    broken("a shell variable in braces", CAPTURE, '"$code"', '"${code}"', "write $NAME, not ${NAME}", at="${code}"),
    broken(
        "a shell block", MODEL, '          sh "{artifacts', '          { sh "{artifacts', "is not closed", at='{ sh "'
    ),
    broken(
        "a pointer to nothing",
        RUNTIME,
        "{configuration:/python}",
        "{configuration:/pyton}",
        "has no '/pyton'",
        at="/pyton",
    ),
    broken(
        "a pointer without a slash",
        RUNTIME,
        "{configuration:/python}",
        "{configuration:python}",
        "is not a variable that lite knows",
        at="{configuration:python}",
    ),
    broken(
        "another component's variable",
        CAPTURE,
        "{kernel:rootPath}",
        "{smartcam.Runtime:work:path}",
        "variables of other components",
        at="{smartcam.Runtime",
    ),
    broken(
        "a folder that is not unpacked",
        MODEL,
        '"{artifacts:path}/smartcam-model.zip"',
        '"{artifacts:decompressedPath}/x"',
        "no artifact of this manifest is unpacked",
        at="decompressedPath",
    ),
    broken("a variable outside quotes", MODEL, '"{work:path}"', "{work:path}", "double quotes", at=" {work:path} "),
    broken(
        "a script that is no artifact",
        CAPTURE,
        '"{artifacts:path}/run.sh"',
        '"{artifacts:path}/start.sh"',
        "'start.sh' is none of the artifacts",
        at="start.sh",
    ),
    broken(
        "a stranger's work folder",
        CAPTURE,
        "/work/smartcam.Runtime/",
        "/work/smartcam.Model/",
        "which is no dependency",
        at="/work/smartcam.Model/",
    ),
    broken(
        "no waiting for the packages",
        CAPTURE,
        "packages-{RUNTIME_PACKAGES}",
        "packages-000000000000",
        "does not wait for the Runtime",
        at="Script: |",
    ),
    broken(
        "starting without run.sh",
        CAPTURE,
        'exec sh "{artifacts:path}/run.sh" "{COMPONENT_VERSION}" "$packages" "$code" smartcam',
        'exec "$packages/bin/python" -m smartcam',
        "does not wait for the Runtime",
        at="Script: |#2",
    ),
    broken(
        "waiting in install",
        CAPTURE,
        'run.sh" --install ',
        'run.sh" ',
        "can lock nucleus lite",
        at="Script: |",
    ),
    broken(
        "no time to wait", CAPTURE, "Timeout: 900", "Timeout: 120", "waiting for the packages needs a Timeout of 900"
    ),
)
