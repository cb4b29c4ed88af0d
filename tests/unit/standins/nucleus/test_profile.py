from dataclasses import fields

from standins.nucleus.profile import LITE, LITE_KNOWN, SEEN, SOURCE, LifecycleRules, RecipeRules


def test_of_every_value_of_lite_it_is_said_how_it_is_known() -> None:
    plain = {field.name for field in fields(LITE)} - {"name", "version", "recipes", "lifecycle"}
    nested = {f"{name}.{field.name}" for name, rules in RULES.items() for field in fields(rules)}
    assert LITE_KNOWN.keys() == plain | nested
    assert all(known.startswith((SEEN, SOURCE)) for known in LITE_KNOWN.values())


RULES = {"recipes": RecipeRules, "lifecycle": LifecycleRules}


def test_what_is_known_is_known_of_the_version_that_components_are_told() -> None:
    assert LITE.version in SEEN
    assert LITE.version in SOURCE
