"""Regenerate what is derived: the schemas of profile and policy, the page of equations and GitLab's job. `make docs`; tests check for drift."""

from __future__ import annotations

from pathlib import Path

from gitlab_job import gitlab_job

from breakeven.compare.equations import model_page
from breakeven.gate.policy_schema import policy_schema_text
from breakeven.profile.schema import schema_text

DOCS = Path(__file__).resolve().parents[1] / "docs"
GENERATED = {"profile.schema.json": schema_text, "policy.schema.json": policy_schema_text, "model.md": model_page, "ci/gitlab.yml": gitlab_job}


def main() -> None:
    for name, build in GENERATED.items():
        (DOCS / name).write_text(build(), encoding="utf-8")
        print(f"wrote docs/{name}")


if __name__ == "__main__":
    main()
