"""XML against an XSD, offline: the constructs that the vendored schema is made of, and an error for every other one.

Whatever part of a schema this does not know raises, so that nothing passes because it was not looked at.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path

XS = "{http://www.w3.org/2001/XMLSchema}"


class Schema:
    """A schema of global elements, complex types of sequences and choices, attributes, and strings with patterns."""

    def __init__(self, path: Path) -> None:
        root = ET.parse(path).getroot()
        assert root.tag == f"{XS}schema"
        self.elements = {item.attrib["name"]: item for item in root.findall(f"{XS}element")}
        self.types = {item.attrib["name"]: item for item in root if item.tag in (f"{XS}simpleType", f"{XS}complexType")}
        _only(root, {"element", "simpleType", "complexType"})

    def faults(self, element: ET.Element) -> Iterator[str]:
        """What is wrong with a document whose root is a global element."""
        if element.tag not in self.elements:
            yield f"unknown element {element.tag}"
            return
        yield from self._element(self.elements[element.tag], element)

    def _element(self, declared: ET.Element, element: ET.Element) -> Iterator[str]:
        if "type" in declared.attrib:
            _only(declared, set())
            kind = declared.attrib["type"]
            if kind == "xs:string" or self.types[kind].tag == f"{XS}simpleType":
                if len(element) or element.attrib:
                    yield f"{element.tag} is only text"
                yield from self._text(kind, element.text or "", element.tag)
                return
            model = self.types[kind]
        else:
            (model,) = declared
        yield from self._complex(model, element)

    def _complex(self, model: ET.Element, element: ET.Element) -> Iterator[str]:
        assert model.tag == f"{XS}complexType"
        _only(model, {"sequence", "choice", "attribute"})
        declared = {item.attrib["name"]: item for item in model.findall(f"{XS}attribute")}
        for name, item in declared.items():
            if item.attrib.get("use") == "required" and name not in element.attrib:
                yield f"{element.tag} lacks {name}"
        for name, value in element.attrib.items():
            if name not in declared:
                yield f"{element.tag} may have no {name}"
            else:
                yield from self._text(declared[name].attrib["type"], value, f"{element.tag}.{name}")
        if model.attrib.get("mixed") != "true" and ((element.text or "") + "".join(child.tail or "" for child in element)).strip():
            yield f"text in {element.tag}"
        content = "".join(self._pattern(item) for item in model if item.tag != f"{XS}attribute")
        if not re.fullmatch(content, "".join(f"<{child.tag}>" for child in element)):
            yield f"{element.tag} may not hold {', '.join(child.tag for child in element) or 'nothing'}"
        for child in element:
            if child.tag in self.elements:
                yield from self._element(self.elements[child.tag], child)

    def _pattern(self, item: ET.Element) -> str:
        """A content model as a pattern over the tags of the children."""
        least, most = item.attrib.get("minOccurs", "1"), item.attrib.get("maxOccurs", "1")
        times = f"{{{least},{'' if most == 'unbounded' else most}}}"
        if item.tag == f"{XS}element":
            name = item.attrib.get("ref") or item.attrib["name"]
            assert "ref" not in item.attrib or name in self.elements
            return f"(?:<{re.escape(name)}>){times}"
        assert item.tag in (f"{XS}sequence", f"{XS}choice")
        _only(item, {"element", "sequence", "choice"})
        between = "" if item.tag == f"{XS}sequence" else "|"
        return f"(?:{between.join(self._pattern(child) for child in item)}){times}"

    def _text(self, kind: str, value: str, where: str) -> Iterator[str]:
        if kind == "xs:string":
            return
        (restriction,) = self.types[kind]
        assert (restriction.tag, restriction.attrib["base"]) == (f"{XS}restriction", "xs:string")
        _only(restriction, {"pattern"})
        if not any(re.fullmatch(pattern.attrib["value"], value) for pattern in restriction):
            yield f"{where} is {value!r}"


def _only(item: ET.Element, names: set[str]) -> None:
    unknown = {child.tag for child in item} - {XS + name for name in names}
    if unknown:
        raise NotImplementedError(f"{item.tag} with {', '.join(sorted(unknown))}")
