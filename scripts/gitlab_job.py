"""The GitLab job with the plain script inside it: a project that includes it has no other file of breakeven's."""

from __future__ import annotations

from pathlib import Path
from textwrap import indent

CHECK = Path(__file__).resolve().parents[1] / "docs" / "ci" / "check.sh"

_JOB = """\
# Generated from docs/ci/check.sh by `make docs`. Copy it, or include it from .gitlab-ci.yml, and set BREAKEVEN_PROFILES.
# Set BREAKEVEN_SOURCE too unless breakeven is on the image: a requirement with a version or commit, which a change cannot alter.
breakeven:
  image: python:3.12
  rules:
    - if: $CI_PIPELINE_SOURCE == "merge_request_event"
  variables:
    GIT_DEPTH: "0"                              # the base revision is needed with its history
    BREAKEVEN_PROFILES: configs/*.yaml
    # The target branch as it is now, not the commit where this branch left it: its policy and waivers judge.
    BREAKEVEN_BASE_REF: refs/remotes/origin/$CI_MERGE_REQUEST_TARGET_BRANCH_NAME
    BREAKEVEN_JUNIT: breakeven-junit.xml
    BREAKEVEN_CODEQUALITY: breakeven-codequality.json
  script:
    - git fetch --no-tags origin "+refs/heads/$CI_MERGE_REQUEST_TARGET_BRANCH_NAME:$BREAKEVEN_BASE_REF"
    - |
      bash /dev/fd/3 3<<'END_OF_CHECK'
{script}
      END_OF_CHECK
  artifacts:
    when: always
    reports:
      junit: breakeven-junit.xml
      codequality: breakeven-codequality.json
"""


def gitlab_job() -> str:
    """YAML text; the script's own lines stand in it unchanged."""
    script = CHECK.read_text(encoding="utf-8").rstrip("\n")
    return _JOB.format(script=indent(script, " " * 6))
