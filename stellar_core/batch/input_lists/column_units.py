"""Read units of columns from the YAML header of ECSV, and of Parquet files of Astropy.

Only the items of ``datatype:`` for wanted columns are read, each short and by itself. YAML aliases are refused: a few
of them can expand to gigabytes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from stellar_core.errors import ParameterError

#: Characters of the header that are read, and of one column in it.
MAX_HEAD, MAX_ITEM = 1_000_000, 2000
#: Most brackets in one column; only a subtype has any.
_MAX_BRACKETS = 20


def units_of(described: Sequence[str], titles: Mapping[str, str], name: str) -> dict[str, str]:
    """Return the units of ra and dec; a column without a unit is left out.

    Parameters
    ----------
    described : sequence of str
        Lines of the header.
    titles : mapping of str to str
        Title of each wanted column by its role.
    name : str
        Name of the file in messages.

    Raises
    ------
    ParameterError
        If the description of a wanted column contains a YAML alias.
    """
    items, found = _items(described), {}
    for role in titles.keys() & {"ra", "dec"}:
        mine = [item for item in items if titles[role] in item[:MAX_ITEM]][:3]
        units = [
            words.get("unit", "")
            for words in (_words(item, name) for item in mine)
            if words.get("name") == titles[role]
        ]
        if units:
            found[role] = units[0]
    return found


def _items(described: Sequence[str]) -> list[str]:
    """Return the text of each item of ``datatype:``, without its dash."""
    items: list[list[str]] = []
    inside, indent = False, None
    for line in described:
        bare = line.lstrip(" ")
        depth = len(line) - len(bare)
        if line.startswith("datatype:"):
            inside, indent = True, None
        elif not inside or not bare.strip():
            continue
        elif bare.startswith("-") and depth == (depth if indent is None else indent):
            indent = depth
            items.append([f"{line[:depth]} {bare[1:]}"])
        elif depth > (indent or 0) and items:
            items[-1].append(line)
        else:
            inside = False
    return ["\n".join(item) for item in items]


def _words(item: str, name: str) -> dict[str, str]:
    """Return name, unit and other plain values of a column; empty if the item does not describe one."""
    import yaml

    if len(item) > MAX_ITEM or item.count("[") + item.count("{") > _MAX_BRACKETS:
        return {}
    words: dict[str, str] = {}
    depth, key = 0, ""
    try:
        for event in yaml.parse(item, Loader=yaml.SafeLoader):
            if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
                raise ParameterError(
                    f"The header of {name} uses YAML aliases, which are not supported.",
                    value=name,
                    remedy="Save the table again.",
                )
            if isinstance(event, yaml.CollectionStartEvent):
                depth += 1
            elif isinstance(event, yaml.CollectionEndEvent):
                depth -= 1
                key = "" if depth == 1 else key
            elif isinstance(event, yaml.ScalarEvent):
                if depth == 1 and not key:
                    key = event.value
                elif depth == 1 or key == "unit":  # astropy.units.Unit {unit: deg}
                    words[key] = event.value
                    key = "" if depth == 1 else key
    except yaml.YAMLError:
        return {}
    return words
