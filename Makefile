# Two commands do everything on a fresh machine:  make study  and  make test.
#   make study PROFILE=quick|laptop|night|real|gpu|gpu-paper|paper  DATA=folder of the real data sets
PROFILE ?= quick
DATA    ?=
PYTHON  ?= python3
CORES   ?= all
SECONDS ?= 900
DEVICE  ?= cuda
PROFILES ?= gpu
SETS    ?=
RUNS    ?=
BIN     := .venv/bin
# no lock on the folder: every run has its own, and one that was killed must not keep the next from starting; a run that fails must not
# cost a night: all that do not wait for it are executed before the call ends with an error, which names it
RUN      = $(BIN)/snakemake --cores $(CORES) --nolock --keep-going --quiet host reason --config profile=$(PROFILE)

.PHONY: study pages tune test lab lessons bench faults gpu gpu-pack lint twins clean help
help:
	@echo "make study [PROFILE=quick|laptop|night|real|gpu|gpu-paper|paper] [DATA=folder] [CORES=all]   train, score, draw: results/<profile>/report.html"
	@echo "make study RUNS='ncl/base_* ncl/pivot_*'   these runs alone and what they need, then the pages of what is there"
	@echo "           PYTHON=python3.12 is what the first call makes .venv with"
	@echo "make pages [PROFILE=...] [DATA=folder, of real]   draw all pages again from the rows that are kept, without training; what is older says so"
	@echo "make tune PROFILE=night   the trials of every row anew, and the best of each into profiles/tuned, which final runs read"
	@echo "make test    all tests        make lab    JupyterLab on the notebooks        make bench  speed and memory beside other libraries"
	@echo "make lessons [PROFILE=...]   student notebooks executed, as pages: results/<profile>/lessons/index.html"
	@echo "make twins   train the embedded generators and the stand-in anew, over the weights in the package"
	@echo "make gpu SECONDS=900   a card checked, measured and given runs for so long: docs/gpu.md     make gpu-pack [DATA= SETS=]   what it needs offline"
	@echo "make faults  changed files, kills, full disks and the like, counted: docs/faults.md"
	@echo "make lint    ruff, and notebooks without outputs        make clean  forget results/\$$PROFILE, and what was made of it"

.venv/ready: requirements.lock pyproject.toml
	@$(PYTHON) -c "import sys; sys.exit(sys.version_info < (3, 11))" || \
		(echo "Python 3.11 or newer is needed; '$(PYTHON)' is older. Try: make PYTHON=python3.12 ..." && false)
	@echo "-- making .venv and installing the locked packages (about 6 GB with PyTorch's CUDA libraries, two to four minutes)"
	@$(PYTHON) -m venv .venv
	@$(BIN)/pip install -q --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/pip install -q --disable-pip-version-check --no-deps -e .
	@touch $@

study: .venv/ready
	@echo "-- study, profile $(PROFILE): notebooks run one after another, each leaves an executed copy under results/$(PROFILE)"
	@$(RUN) data="$(DATA)" runs="$(RUNS)"
	@$(if $(RUNS),$(RUN) data="$(DATA)" pages=true)
	@echo "-- done: open results/$(PROFILE)/report.html"

pages: .venv/ready
	@echo "-- pages, profile $(PROFILE): tables, figures and verdicts of the rows that are there"
	@$(RUN) data="$(DATA)" pages=true
	@echo "-- done: open results/$(PROFILE)/report.html"

tune: .venv/ready
	@echo "-- tune, profile $(PROFILE): every row's trials, then the best of each into profiles/tuned"
	@$(RUN) data="$(DATA)" trials=true
	@$(BIN)/python -m imdlib.protocol.tuned results/$(PROFILE)

test: .venv/ready
	@echo "-- tests"
	@$(BIN)/python -m pytest -n auto --dist loadfile --no-loadscope-reorder --max-worker-restart=0

lab: .venv/ready
	@$(BIN)/jupyter lab notebooks

lessons: .venv/ready
	@echo "-- lessons: every student notebook runs, most of them for less than a minute, and leaves a page"
	@$(BIN)/python -m imdlib.lessons.pages results/$(PROFILE)

bench: .venv/ready
	@sed -e '/--hash=/d' -e 's/ \\$$//' requirements.lock > .venv/versions.txt  # pip takes no hashes beside a folder
	@$(BIN)/pip install -q --disable-pip-version-check -c .venv/versions.txt -e ".[bench]"
	@$(BIN)/python -m benchmarks.run
	@$(BIN)/python -m benchmarks.growth
	@$(BIN)/python -m benchmarks.page

faults: .venv/ready
	@$(BIN)/python -m benchmarks.faults

# a card's machine may have no network: .venv where it is, else the system's Python with the wheels of gpu-pack/
gpu:
	@if test -x $(BIN)/python; then site=""; run=$(BIN)/python; else site=":$$($(PYTHON) benchmarks/gpu/unpack.py)"; run=$(PYTHON); fi; \
		PYTHONPATH="$(CURDIR)$$site$${PYTHONPATH:+:$$PYTHONPATH}" $$run -m benchmarks.gpu --seconds $(SECONDS) --device $(DEVICE) \
		--profiles $(PROFILES) --data "$(DATA)" $(if $(TRIALS),--trials) $(if $(RUNS),--runs "$(RUNS)") $(if $(MEASURE),--measure $(MEASURE))

gpu-pack: .venv/ready
	@$(BIN)/python -m benchmarks.gpu.pack $(if $(DATA),--data "$(DATA)") --sets $(SETS)

lint: .venv/ready
	@$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/nbstripout --verify --keep-id notebooks/*.ipynb notebooks/*/*.ipynb

twins: .venv/ready
	@mkdir -p results/$(PROFILE)/twins
	@$(BIN)/papermill notebooks/twins.ipynb results/$(PROFILE)/twins/twins.ipynb -p results results/$(PROFILE)

clean:
	@case "$(PROFILE)" in ""|*[!A-Za-z0-9_-]*) false;; *) test -f "profiles/$(PROFILE).yaml";; esac || \
		(echo "PROFILE='$(PROFILE)' is no profile: nothing was removed" && false)
	rm -rf "results/$(PROFILE)" .snakemake
