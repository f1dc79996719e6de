"""Every equation of the money model, once: docs/model.md is generated from this table.

``explain`` prints them with the numbers put in; a test keeps ids in the code, here and in the
document in step.
"""

from __future__ import annotations

from msgspec import Struct


class Equation(Struct, frozen=True):
    """``formula`` in plain text, the unit of its result, its section, and where it comes from."""

    title: str
    formula: str
    unit: str
    section: str
    source: str = "definition"


_OFFERS = "Offers and bills"
_API = "Bought per token"
_RUN = "Run on machines"
_ONCE = "Paid once"
_CROSS = "Where bills cross"
_TIME = "Over time"
_SERVE = "How fast a model is served"
_RISK = "How sure"

EQUATIONS: dict[str, Equation] = {
    "offer-cost": Equation(
        "Cost of an offer",
        "C(V) = F + n(V) f + v V, with V in Mtok/day and F, f, v the sums over its lines",
        "USD/day",
        _OFFERS,
    ),
    "replicas": Equation("Replicas", "n(V) = max(n_min, ceil(V / kappa) + r); zero for an API", "replicas", _OFFERS),
    "replica-capacity": Equation(
        "Capacity of a replica", "k = instances x requests_per_s x 86,400 x tokens_per_request", "tokens/day", _OFFERS
    ),
    "capacity": Equation(
        "Capacity of an instance",
        "k_1 = requests_per_s x 86,400 x tokens_per_request (API tokens)",
        "tokens/day",
        _OFFERS,
    ),
    "mean-day-volume": Equation(
        "Mean-day volume of a replica",
        "kappa = k (1 - h) / rho",
        "tokens/day",
        _OFFERS,
        "headroom share h, peak over mean rho",
    ),
    "cost-at-volume": Equation("Cost per token at your volume", "C(V) / V", "USD/Mtok", _OFFERS),
    "cost-per-month": Equation("Cost per month", "C(V) x hours_per_month / 24", "USD/month", _OFFERS),
    "cost-per-request": Equation("Cost per request", "C(V) / (V / tokens_per_request)", "USD/request", _OFFERS),
    "cost-per-task": Equation("Cost per task", "cost per request x calls_per_task", "USD/task", _OFFERS),
    "capacity-cost": Equation("Cost per token when full", "(F + n f) / (n k) + v", "USD/Mtok", _OFFERS),
    "utilisation": Equation("Utilisation, an output", "V / (n k)", "share", _OFFERS),
    "minimum-spend": Equation("Minimum spend", "max(0, minimum - covered lines) added to the bill", "USD/day", _OFFERS),
    "peak-to-mean": Equation(
        "Peak over mean", "rho = max_h w_h, with 168 hourly weights w of mean 1", "ratio", _OFFERS
    ),
    "batch-spread": Equation(
        "Batch leaves the peak", "rho' = (1 - b) rho + b (1 + (rho - 1) max(0, 1 - window/24))", "ratio", _OFFERS
    ),
    "load-duration": Equation(
        "Load-duration curve", "the hourly loads from the busiest to the quietest", "Mtok/day", _OFFERS
    ),
    "api-tokens": Equation(
        "Tokens of one kind",
        "price x tokens of that kind per request / tokens per request",
        "USD/Mtok",
        _API,
        "the price list",
    ),
    "api-batch": Equation(
        "Tokens in a batch or off-peak window",
        "share that waits x batch price x tokens of that kind / tokens per request",
        "USD/Mtok",
        _API,
        "the price list",
    ),
    "api-discount": Equation("Negotiated discount", "-discount x (token lines)", "USD/Mtok", _API),
    "api-fee": Equation("Platform fee", "fee share x (token lines + discount)", "USD/Mtok", _API),
    "api-minimum": Equation("Minimum spend per day", "minimum per month x 24 / hours per month", "USD/day", _API),
    "provisioned-weight": Equation(
        "Weighted tokens",
        "input (uncached) + cached weight x cached + output weight x output, per request",
        "tokens",
        _API,
    ),
    "provisioned-capacity": Equation(
        "Capacity of provisioned units",
        "units x tokens per minute per unit x 1,440 / weighted tokens x tokens per request",
        "tokens/day",
        _API,
        "the provider's sizing page",
    ),
    "provisioned-price": Equation(
        "Price of provisioned units", "units per step x price per unit and day", "USD/day", _API
    ),
    "provisioned-bundle": Equation(
        "Input and output units bought apart",
        "the cheapest whole-number mix that carries the request shape",
        "USD/day",
        _API,
    ),
    "rent": Equation(
        "Rent",
        "f = usd_per_gpu_hour x (1 - discount) x gpus_billed x 24; whole SKUs, every hour held",
        "USD/replica-day",
        _RUN,
    ),
    "lease": Equation("Lease", "lease per server-month x servers x 24 / hours per month", "USD/replica-day", _RUN),
    "annuity": Equation(
        "Annuity",
        "(capex - residual (1+r)^-n) / PV(1 a year for n years) / 365",
        "USD/day",
        _RUN,
        "capital recovery factor",
    ),
    "straight-line": Equation("Straight line", "(capex - residual) / (life x 365)", "USD/day", _RUN),
    "spares": Equation("Spare parts held", "spares share x capital line", "USD/replica-day", _RUN),
    "maintenance": Equation("Maintenance", "capex x share per year / 365", "USD/replica-day", _RUN),
    "per-year": Equation("A yearly bill", "USD per year / 365", "USD/day", _RUN),
    "per-month": Equation("A monthly bill", "USD per month x 24 / hours per month", "USD/day", _RUN),
    "energy-idle": Equation(
        "Electricity of an idle server", "idle_w / 1000 x 24 x PUE x USD/kWh", "USD/replica-day", _RUN
    ),
    "energy-active": Equation(
        "Electricity that serving adds",
        "(active_w - idle_w) / 1000 x 24 x PUE x USD/kWh / capacity in Mtok/day",
        "USD/Mtok",
        _RUN,
    ),
    "colocation": Equation(
        "Rack space", "nameplate kW x USD per kW-month x 24 / hours per month", "USD/replica-day", _RUN
    ),
    "labour": Equation("Labour", "FTE x USD per FTE-year / 365", "USD/day", _RUN),
    "licence": Equation("Software licence", "USD per GPU-year x GPUs per replica / 365", "USD/replica-day", _RUN),
    "extra-cost": Equation(
        "A cost of the user's own",
        "USD per month (or replica-month) x 24 / hours per month; USD per Mtok; USD once as an annuity",
        "USD/day, USD/replica-day or USD/Mtok",
        _RUN,
    ),
    "landed-price": Equation(
        "A quoted server on site",
        "price (1 + duty) (1 + tax) + delivery (1 + tax); rent and support x (1 + tax); tax that cannot be recovered",
        "USD/server",
        _RUN,
        "the supplier's quote",
    ),
    "escalation": Equation(
        "Requests handed back to the API",
        "escalation share x API price; they pay both, and owe the API's minimum spend",
        "USD/Mtok",
        _RUN,
    ),
    "sinking-fund": Equation(
        "Exit at the end", "cost (1+r)^-n / PV(1 a year for n years) / 365", "USD/day", _ONCE, "sinking fund factor"
    ),
    "crossing-law": Equation(
        "Crossings",
        "on ((j-1) kappa, j kappa]: c_j = (F + n_j f) / (p - v); self-hosting wins on (max(c_j, (j-1) kappa), j kappa]",
        "tokens/day",
        _CROSS,
    ),
    "screening": Equation(
        "How many replicas a hybrid owns",
        "the last n whose slice of the load curve is busy for f / ((p - v) k); beside a minimum spend, the n that saves most",
        "replicas",
        _CROSS,
        "screening curves of electricity planning",
    ),
    "hybrid": Equation(
        "Cost of a hybrid",
        "F + n f + v served + max(minimum, p (V - served)), served = mean of min(load, n k (1 - h))",
        "USD/day",
        _CROSS,
    ),
    "hybrid-crossing": Equation(
        "Crossing of a hybrid", "the least V at which (p - v) served_n(V) = F + n f for some n; a minimum spend is paid on both sides", "tokens/day", _CROSS
    ),
    "flip": Equation(
        "Flip value of a key",
        "now + step (other bill - bill) / (bill one step on - bill), where the bill is linear in the key",
        "the key's",
        _CROSS,
    ),
    "pooled-replicas": Equation(
        "Replicas of a pool",
        "max(n_min, ceil(max_h sum_i V_i w_i(h) / (k_i (1 - h_i))) + r)",
        "replicas",
        _CROSS,
    ),
    "levelised-cost": Equation(
        "NPV per Mtok",
        "present value of an offer's costs over that of the tokens it serves, each month at the discount of its payment",
        "USD/Mtok",
        _TIME,
        "levelised cost",
    ),
    "present-value": Equation(
        "Present value",
        "n g(a n) e^(-a lag) / g(a p) per USD a year, g(z) = (1 - e^-z) / z, a = ln(1+r) + decline, "
        "p the period of payment and lag its delay in it",
        "USD",
        _TIME,
        "sum of a geometric series",
    ),
    "price-path": Equation(
        "Price path", "price x e^(-decline x t), decline in log points a year", "USD/Mtok", _TIME, "catalogue history"
    ),
    "price-decline": Equation(
        "Crossover multiplier of a falling price",
        "present value of a constant stream / of one that falls with the price",
        "ratio",
        _TIME,
    ),
    "forecast": Equation(
        "Month of a forecast", "C(V_m) with the prices, replicas and volume of month m", "USD/month", _TIME
    ),
    "switch-month": Equation(
        "When to switch", "the start month with the least present cost over the horizon", "month", _TIME
    ),
    "currency": Equation("Display currency", "USD / (USD per unit)", "currency", _TIME, "the dated rate of the profile, or of the catalogue"),
    "total-effect": Equation(
        "Share of the variance",
        "E[(y(A) - y(A with input i of B))^2] / (2 Var y), y = yearly self-hosting less API cost",
        "share",
        _RISK,
        "Jansen (1999)",
    ),
    "perfect-information": Equation(
        "Value of knowing an input",
        "min over offers of E[cost] - E over the input of min over offers of E[cost | input]",
        "USD/year",
        _RISK,
        "decision analysis",
    ),
    "step-time": Equation(
        "Time of one engine step",
        "sum over parts of max(compute, memory) + overlap x min(compute, memory), plus collectives and overhead",
        "s",
        _SERVE,
        "roofline; constants calibrated on published measurements, see accuracy.md",
    ),
    "closed-loop": Equation(
        "Output rate of C requests in flight",
        "C x output tokens / (TTFT + (output tokens - 1) x TPOT)",
        "tokens/s",
        _SERVE,
        "Little's law",
    ),
}


def model_page() -> str:
    """docs/model.md."""
    out = [
        "# The model",
        "",
        "Every equation of the bills, once, with its unit and source. Generated from `breakeven/compare/equations.py`;",
        "`breakeven explain PROFILE` prints each with the numbers put in. How the serving model is calibrated, and how far it",
        "is off, is in [accuracy.md](accuracy.md).",
        "",
        "Symbols: V volume in Mtok/day; F, f, v fixed, per-replica and per-Mtok cost of the self-hosted offer; p the API's",
        "price per Mtok; k capacity of a replica; kappa its mean-day volume; h headroom; rho peak over mean; r redundant",
        "replicas; n_min the least number of replicas. A month is `finance.hours_per_month` hours, a year 8,760.",
    ]
    section = ""
    for name, equation in EQUATIONS.items():
        if equation.section != section:
            section = equation.section
            out += ["", f"## {section}"]
        out += ["", f"### {name}", "", f"{equation.title}, in {equation.unit}.", "", f"    {equation.formula}", ""]
        out.append(f"Source: {equation.source}.")
    return "\n".join(out) + "\n"
