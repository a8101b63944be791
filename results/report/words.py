"""Records in words: hyperparameters, configs and statuses as people read them."""

from results.record import Record

WORDS = {
    "sigma_w": "σ_w",
    "sigma_u": "σ_u",
    "sigma_b": "σ_b",
    "sigma_h": "σ_h",
    "sigma_v": "σ_v",
    "gamma": "γ",
    "learning_rate": "learning rate",
}


def shown(value) -> str:
    """A value of a hyperparameter, numbers to four digits; several as a list, or the first and the last of many."""
    if isinstance(value, list):
        few = value if len(value) <= 6 else [*value[:2], "…", value[-1]]
        return "{" + ", ".join(map(shown, few)) + "}" + (f" ({len(value)})" if len(value) > 6 else "")
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def settings(values: dict) -> str:
    """Hyperparameters and their values in a line."""
    return ", ".join(f"{WORDS.get(name, name)} {shown(value)}" for name, value in values.items())


def call(method_config: dict) -> dict:
    """What a method's config calls, with its parameters: its kernel, network or classifier."""
    return next((part for part in method_config.values() if isinstance(part, dict) and "_target_" in part), {})


def target(method_config: dict) -> str:
    """The name of what a method's config calls."""
    return call(method_config).get("_target_", "")


def parameters(method_config: dict) -> dict:
    """The parameters of a method's config, those searched over as lists."""
    return {name: value for name, value in call(method_config).items() if not name.startswith("_")}


def chosen(record: Record) -> dict:
    """The selected hyperparameters that were searched over; where none was, all that the config names."""
    asked = parameters(record.method_config)
    searched = {name for name, value in asked.items() if isinstance(value, list)}
    return {
        name: value for name, value in record.selected.items() if name in (searched or asked) or name in ("C", "median")
    }
