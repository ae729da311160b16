"""Each construct of pydantic's JSON schema becomes its structural form, or is refused by name."""

from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field, create_model

from hyperpod_operator.api.common.rules import rule, rules
from hyperpod_operator.api.schema import NotStructuralError, Schema, structural


def field(annotation: Any, **more: Any) -> Schema:
    """The generated schema of one field."""
    described = Field(description="A field.", **more)
    model = create_model("Sample", value=(annotation, described))
    generated: Schema = structural(model)["properties"]["value"]
    return generated


class Inner(BaseModel):
    """For us, not for users."""

    name: str = Field(description="A name.", max_length=5)


def test_a_reference_is_inlined_under_the_words_of_the_field() -> None:
    assert field(Inner) == {
        "description": "A field.",
        "type": "object",
        "required": ["name"],
        "properties": {"name": {"description": "A name.", "type": "string", "maxLength": 5}},
    }


def test_a_model_used_twice_is_inlined_twice() -> None:
    model = create_model(
        "Twice",
        one=(Inner, Field(description="One.")),
        two=(Inner, Field(description="Two.")),
    )
    properties = structural(model)["properties"]
    assert properties["one"]["properties"] == properties["two"]["properties"]
    assert properties["one"]["properties"] is not properties["two"]["properties"]


def test_an_optional_member_is_not_required_not_nullable_and_has_no_default() -> None:
    model = create_model("Sample", value=(int | None, Field(default=None, description="A field.")))
    assert structural(model) == {
        "type": "object",
        "properties": {"value": {"description": "A field.", "type": "integer"}},
    }


def test_forbidden_extras_are_left_to_the_server() -> None:
    class Strict(BaseModel):
        model_config = ConfigDict(extra="forbid")
        name: str = Field(description="A name.", max_length=5)

    assert "additionalProperties" not in structural(Strict)


def test_exclusive_bounds_become_flags() -> None:
    generated = field(int, gt=0, lt=10)
    assert generated["minimum"] == 0
    assert generated["exclusiveMinimum"] is True
    assert generated["maximum"] == 10
    assert generated["exclusiveMaximum"] is True


def test_a_single_literal_becomes_an_enum_of_one() -> None:
    assert field(Literal["Continuous"]) == {"description": "A field.", "type": "string", "enum": ["Continuous"]}


def test_a_python_set_becomes_a_set_list() -> None:
    generated = field(set[Literal["a", "b"]], max_length=2)
    assert generated["x-kubernetes-list-type"] == "set"
    assert "uniqueItems" not in generated


def test_an_int_or_string_gets_its_extension_and_no_type() -> None:
    assert field(int | Annotated[str, Field(max_length=5)]) == {
        "description": "A field.",
        "x-kubernetes-int-or-string": True,
    }


def test_an_int_or_string_that_may_be_left_out_has_no_default_of_null() -> None:
    """The API server drops such a default, and the stored definition would differ from the one that was applied."""
    assert "default" not in field(int | Annotated[str, Field(max_length=5)] | None, default=None)


def test_a_map_keeps_the_bound_of_its_size_and_drops_that_of_its_keys() -> None:
    key = Annotated[str, Field(max_length=3)]
    value = Annotated[str, Field(max_length=4)]
    assert field(dict[key, value], max_length=2) == {
        "description": "A field.",
        "type": "object",
        "maxProperties": 2,
        "additionalProperties": {"type": "string", "maxLength": 4},
    }


def test_a_free_form_map_preserves_unknown_fields() -> None:
    assert field(dict[str, Any])["x-kubernetes-preserve-unknown-fields"] is True


def test_titles_and_examples_are_dropped() -> None:
    generated = field(int, title="T", examples=[1], deprecated=True)
    assert generated == {"description": "A field.", "type": "integer"}


def test_rules_of_a_type_and_of_its_field_add_up() -> None:
    class Ruled(BaseModel):
        model_config = ConfigDict(json_schema_extra=rules(rule("self.a == 1", message="set a to 1")))
        a: int = Field(description="A.")

    generated = field(Ruled, json_schema_extra=rules(rule("self == oldSelf", message="keep it")))
    assert [each["message"] for each in generated["x-kubernetes-validations"]] == ["set a to 1", "keep it"]


class Recursive(BaseModel):
    again: "Recursive | None" = Field(default=None, description="Itself.")


@pytest.mark.parametrize(
    ("annotation", "more", "problem"),
    [
        pytest.param(tuple[int, int], {}, "prefixItems", id="tuple"),
        pytest.param(Inner | int, {}, "union", id="union"),
        pytest.param(Recursive, {}, "contains itself", id="recursion"),
        pytest.param(str, {}, "a string needs max_length", id="unbounded string"),
        pytest.param(list[int], {}, "a list needs max_length", id="unbounded list"),
        pytest.param(dict[str, int], {}, "a map needs max_length", id="unbounded map"),
        pytest.param(Any, {}, "every node needs a type", id="no type"),
        pytest.param(
            dict[Annotated[str, Field(pattern="^a$")], int], {"max_length": 1}, "patternProperties", id="key pattern"
        ),
        pytest.param(int, {"json_schema_extra": {"contentEncoding": "base64"}}, "contentEncoding", id="unknown word"),
    ],
)
def test_what_a_structural_schema_cannot_say_is_refused(annotation: Any, more: dict[str, Any], problem: str) -> None:
    with pytest.raises(NotStructuralError, match=problem):
        field(annotation, **more)


def test_a_discriminated_union_is_refused() -> None:
    class A(BaseModel):
        kind: Literal["a"] = Field(description="K.")

    class B(BaseModel):
        kind: Literal["b"] = Field(description="K.")

    with pytest.raises(NotStructuralError, match=r"Sample\.value: (oneOf|discriminator)"):
        field(A | B, discriminator="kind")


def test_a_field_without_a_description_is_refused() -> None:
    with pytest.raises(NotStructuralError, match=r"Bare\.value: has no description"):
        structural(create_model("Bare", value=(int, ...)))
