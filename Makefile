# The habits of this project; `make` lists them.
VENV := .venv
BIN := $(VENV)/bin
PYTHON ?= python3
DATA ?= $(XCOPA_DATA_DIR)

.DEFAULT_GOAL := help
.PHONY: help run programs test test-slow test-measured test-gpu lint format types audit docs dashboards manifests reference lock ci coverage coverage-report figures mutants bare-clone image-test incident bench peers capacity mlperf study study-page loadtest loadtests fleet evaluate models intermediate data clean

help: ## List the targets
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 16

# TORCH_INDEX_URL= names another index for torch, or, empty, the default one: scripts/install.py
$(VENV)/.serve: pyproject.toml constraints.txt
	@echo "Installing into $(VENV), once; torch is large and takes a while."
	@$(PYTHON) scripts/install.py --venv $(VENV)
	@touch $@

$(VENV)/.dev: pyproject.toml constraints.txt
	@echo "Installing into $(VENV), once; torch is large and takes a while."
	@$(PYTHON) scripts/install.py --venv $(VENV) dev
	@touch $@ $(VENV)/.serve

# Ray is for the slow tests alone: the others do without it, as most users do.
$(VENV)/.ray: $(VENV)/.dev
	@echo "Installing Ray into $(VENV), once."
	@$(PYTHON) scripts/install.py --venv $(VENV) dev,ray
	@touch $@

run: $(VENV)/.serve ## Install, assemble the base once, and serve on 127.0.0.1:8000
	@exec $(BIN)/xcopa serve

# The programs that tests start, from Debian's packages where that can be done.
programs: $(VENV)/.dev
	@$(BIN)/python -m scripts.debian_packages

test: $(VENV)/.dev programs ## Run the default test suite (COVERAGE=1 notes which lines it runs)
	$(if $(COVERAGE),$(BIN)/coverage erase)
	$(BIN)/python -m $(if $(COVERAGE),coverage run -m )pytest -n 3 --dist loadfile -m "not slow and not gpu"

# An equality within 3 % and a slowdown of 5 %: where other programs run, as in CI, there is no verdict on
# them, and the slow tests run two at a time. Those have a slowdown that shows everywhere: test_slowed_server.py.
MEASURED := tests/loadtests/study/test_for_real.py
# Ray gives a node 30 seconds to join, so clusters start alone.
CLUSTERS := tests/app/scale
test-slow: $(VENV)/.ray programs ## Run the slow tests alone, those on clusters of Ray too
	$(BIN)/python -m pytest -n 2 --dist loadfile -m "slow and not gpu" --ignore=$(MEASURED) --ignore=$(CLUSTERS)
	$(BIN)/python -m pytest -m slow $(CLUSTERS)

test-measured: $(VENV)/.dev ## Run the tests that need a quiet machine (20 minutes; not in CI)
	$(BIN)/python -m pytest -m slow $(MEASURED)

test-gpu: $(VENV)/.dev ## Run the tests that need a CUDA device (without one they say that they did not run)
	$(BIN)/python -m pytest -m gpu

lint: $(VENV)/.dev ## Check style and the direction of imports
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports

format: $(VENV)/.dev ## Format the code
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .

types: $(VENV)/.dev ## Check types
	$(BIN)/mypy

audit: $(VENV)/.dev ## Look the locked packages up among known vulnerabilities, where that service is reached
	$(BIN)/python -m scripts.audit

coverage: ## Run the default test suite and compare what it runs with the floors
	$(MAKE) test COVERAGE=1
	$(MAKE) coverage-report

coverage-report: $(VENV)/.dev ## Report on the last test run with COVERAGE=1
	$(BIN)/coverage combine --quiet
	@# A process that is killed while it writes leaves a file that nobody can read.
	@rm -f .coverage.*
	$(BIN)/coverage report --skip-covered --sort=miss
	$(BIN)/coverage json --quiet -o build/coverage.json
	$(BIN)/python -m scripts.coverage_floors build/coverage.json

figures: $(VENV)/.dev ## Measure the source tree against its targets (CHECK=1 fails when one is missed)
	$(BIN)/python -m scripts.figures $(if $(CHECK),--check)

# SAMPLE draws from mutants that are there, so it makes them first, with the fewest that can be run.
mutants: SEED ?= 0
mutants: export OMP_NUM_THREADS = 1
mutants: $(VENV)/.dev ## Change the code of the core line by line; tests must notice (hours; SAMPLE=1500 takes a random part)
	$(if $(SAMPLE),$(BIN)/mutmut run 'app.engine.compute.*' && $(BIN)/python -m scripts.mutant_sample $(SAMPLE) --seed $(SEED) > mutants/sample.txt)
	$(BIN)/mutmut run --max-children 4 $(if $(SAMPLE),$$(cat mutants/sample.txt),$(MUTANTS))
	$(BIN)/python -m scripts.mutants --record

bare-clone: $(VENV)/.dev ## Count the tests that are skipped in a clone without data
	$(BIN)/python -m scripts.bare_clone

# IMAGE="--work DIR" keeps its layers elsewhere; `python -m scripts.image --help` lists the options.
image-test: IMAGE ?= --record
image-test: $(VENV)/.dev ## Build the image, run it, and try what it promises (root; many minutes)
	$(BIN)/python -m scripts.image $(IMAGE)

incident: $(VENV)/.dev ## Overload, a stuck engine, recovery: the alerts, and pictures of the dashboards (12 minutes; needs prometheus)
	$(BIN)/python -m tests.chaos.incident

docs: $(VENV)/.dev ## Build the documentation site into site/
	$(BIN)/zensical build --clean --strict

dashboards: $(VENV)/.dev ## Write the dashboards' JSON from observability/dashboards
	$(BIN)/python -m observability.dashboards

# OVERLAYS="DIR" checks your own.
manifests: $(VENV)/.dev ## Write the PrometheusRule of deploy/kubernetes, and check its overlays and deploy/ray (needs kubectl or kustomize)
	$(BIN)/python -m scripts.manifests $(OVERLAYS)

reference: $(VENV)/.dev ## Write the reference pages that come from the code
	$(BIN)/python -m scripts.reference

# The libraries of torch's CUDA build are left out: torch itself names their versions, and its
# builds for other CUDA releases name other ones.
lock: ## Bring uv.lock and constraints.txt up to pyproject.toml (needs uv; UPGRADE=1 for newer versions)
	uv lock $(if $(UPGRADE),--upgrade) --default-index https://pypi.org/simple
	uv export --quiet --locked --all-extras --no-hashes --no-emit-project --no-annotate --no-header \
		--default-index https://pypi.org/simple --output-file .constraints
	grep -vE '^(nvidia-|cuda-|triton=)' .constraints > constraints.txt
	rm .constraints

ci: ## What CI runs
	.ci/run

bench: $(VENV)/.dev ## Measure what docs/results/speed.md reports (BENCH="encoder lone" for some of it; "--check" fails where a target is missed)
	$(BIN)/python -m loadtests.bench $(BENCH)

# PEERS adds options: PEERS="--only mosec,triton --seconds 20", or PEERS=--quick, which publishes nothing.
peers: PEERS ?= --publish
peers: $(VENV)/.dev ## Compare the service with other servers, for docs/comparison.md (about three hours; it resumes)
	@$(BIN)/python -m loadtests.comparison $(PEERS)

# LOADTEST adds options of locust: LOADTEST="-u 32 -t 2m --languages et,ta --report out"
loadtest: FILE = $(if $(SCENARIO),scenarios/$(SCENARIO),xcopa)
loadtest: $(VENV)/.dev ## Drive a running service for 30 s (HOST=http://... names another than this machine's; SCENARIO=spike)
	@$(BIN)/locust -f loadtests/$(FILE).py --headless $(if $(SCENARIO),,-u 16 -t 30s) $(if $(HOST),--host $(HOST)) $(LOADTEST)

capacity: $(VENV)/.dev ## Find how many requests a second are answered in time (CAPACITY="--p99-ms 500 --routes single,rank --at-least 50")
	@$(BIN)/python -m loadtests.capacity $(CAPACITY)

mlperf: $(VENV)/.dev ## Run MLPerf Inference's four scenarios, which are no official results (MLPERF="Server --p99-ms 500")
	@$(BIN)/python -m loadtests.mlperf $(MLPERF)

study: $(VENV)/.dev ## Say whether intermediate training costs anything when the models answer (90 minutes; it resumes; STUDY="--quick" ten, "--shapes=" without larger shapes)
	@$(BIN)/xcopa study $(if $(DATA),--data $(DATA)) --out runs/study $(STUDY)

study-page: $(VENV)/.dev ## Write docs/study.md from the study in runs/study
	@$(BIN)/python -m loadtests.study.publish runs/study

# FLEET="--seconds 60 --load 0.5" for other times and another load.
fleet: FLEET ?= --out build/fleet
fleet: $(VENV)/.dev ## Kill, drain, stop and replace services behind HAProxy under load (needs haproxy and prometheus; minutes)
	$(BIN)/python -m loadtests.fleet $(FLEET)

loadtests: $(VENV)/.dev ## List the scenarios of load, each with its command
	@$(BIN)/python -m loadtests.scenarios

data:
	@test -n "$(DATA)" || { echo "Name the data directory: make $(MAKECMDGOALS) DATA=DIR, or XCOPA_DATA_DIR. \`xcopa data fetch --out DIR\` makes one; docs/reference/data.md says what it holds." >&2; exit 1; }

evaluate: data $(VENV)/.dev ## Measure both models; DATA names the data directory
	$(BIN)/xcopa evaluate --data $(DATA)

models: data $(VENV)/.dev ## Train both models again from their recipes; DATA names the data directory
	$(BIN)/xcopa train models/recipes/stilts.toml --data $(DATA) --out models/stilts
	$(BIN)/xcopa train models/recipes/direct.toml --data $(DATA) --out models/direct

intermediate: data $(VENV)/.dev ## Compare intermediate tasks for docs/results/intermediate.md (hours; it resumes); DATA names the data directory
	$(BIN)/python -m models.intermediate --data $(DATA)

clean: ## Remove the environment and the caches of the tools
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis .cache site *.egg-info
