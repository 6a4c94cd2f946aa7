"""What a cluster is made of, checked whole before anything starts."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self, cast

from resilkit import amounts, validate
from resilkit.cluster import resolvers, spec_parts
from resilkit.cluster.latency import LinkLatency
from resilkit.cluster.limits import Limits
from resilkit.cluster.restart import RestartPolicy
from resilkit.cluster.topology import Edge, links, validated_topology
from resilkit.errors import InvalidArgument
from resilkit.faults.places import few
from resilkit.records import readable
from resilkit.runtime.names import keep_lower
from resilkit.texts import plain

__all__ = ["MOST_NODES", "ClusterSpec", "NodeSpec"]

MOST_NODES = 1000

_NODE_KEYS = ("name", "applications", "config", "limits", "restart")


@validate.strict
@readable
@dataclass(frozen=True, slots=True)
class NodeSpec:
    """One node of a cluster. What it leaves open, the cluster's own settings decide.

    Args:
        name: 1 to 64 letters, digits, ``_``, ``-`` and ``.``; unique in the cluster.
        applications: What the node starts, in order: server classes, child specs, supervisor
            specs, or text such as ``"package.module:Name"``. They start with the node, each time
            (`Cluster.start` says which do not); a server that ends is restarted by a supervisor
            alone.
        config: Settings that override the cluster's; what servers read as their configuration.
        limits: What the node may use of the machine; replaces the cluster's limits whole.
        restart: What happens when its process ends; ``None`` for the cluster's policy.

    Raises:
        InvalidArgument: From `validated`, which a `ClusterSpec` calls.

    Examples:
        >>> NodeSpec("db", limits=Limits(open_files=128)).validated().limits.open_files
        128
    """

    name: str
    applications: Sequence[Any] = field(default=(), kw_only=True, hash=False)
    config: Mapping[str, Any] = field(default_factory=dict, kw_only=True, hash=False)
    limits: Limits | None = field(default=None, kw_only=True)
    restart: RestartPolicy | str | None = field(default=None, kw_only=True)

    def validated(self, path: str = "node") -> Self:
        """Return the same spec with every part checked and in its plain form.

        Raises:
            InvalidArgument: Some part is wrong; its path starts with `path`.
        """
        restart = self.restart
        return type(self)(
            validate.name(self.name, f"{path}.name"),
            applications=spec_parts.applications(self.applications, f"{path}.applications"),
            config=spec_parts.config(self.config, f"{path}.config"),
            limits=spec_parts.limits(self.limits, f"{path}.limits"),
            restart=None if restart is None else RestartPolicy.of(restart, f"{path}.restart"),
        )

    def _repr_html_(self) -> str:
        from resilkit.cluster.display_specs import node_spec_html

        return node_spec_html(self)

    def to_dict(self) -> dict[str, Any]:
        """Return what differs from the defaults, for a manifest."""
        parts: dict[str, Any] = {"name": self.name}
        if self.applications:
            parts["applications"] = [spec_parts.described(each) for each in self.applications]
        if self.config:
            parts["config"] = dict(self.config)
        if self.limits is not None:
            parts["limits"] = self.limits.to_dict()
        if self.restart is not None:
            parts["restart"] = RestartPolicy.of(self.restart).to_dict()
        return parts

    @classmethod
    def from_dict(cls, mapping: object, path: str = "node") -> Self:
        """Read one node from a file: its name alone, or a mapping.

        Args:
            mapping: The name, or the arguments of the class by name.
            path: Where it stands, for errors.

        Raises:
            InvalidArgument: A key is missing or unknown, or a value is wrong.

        Examples:
            >>> NodeSpec.from_dict({"name": "db", "limits": {"memory_bytes": "1 GiB"}}).name
            'db'
        """
        if isinstance(mapping, str):
            return cls(mapping).validated(path)
        given: dict[str, Any] = validate.known_keys(mapping, path, _NODE_KEYS)
        if "name" not in given:
            raise InvalidArgument("is missing", path=f"{path}.name", allowed="a name")
        if given.get("limits") is not None:
            given["limits"] = Limits.from_dict(given["limits"], f"{path}.limits")
        return cls(**given).validated(path)


@validate.strict
@readable
@dataclass(frozen=True, slots=True, repr=False)
class ClusterSpec:
    """A cluster: its nodes, links and settings. Checked whole when it is made; starts nothing.

    Args:
        nodes: How many nodes (1 to 1000, named ``n1``, ``n2``, …), or the nodes: names and
            `NodeSpec`.
        topology: Which nodes have a link: ``"mesh"``, ``"ring"``, ``"star"`` (around the first
            node), ``"line"``, or pairs of names, plain or as ``{"custom": pairs}``. Messages
            between nodes without a link are routed over others.
        latency: What links add to the time of a message: ``None``, seconds, ``(low, high)``, or
            a `LinkLatency`.
        seed: The root of all randomness; ``None`` draws a new one for each start.
        restart: What happens when a node's process ends: ``"never"``, ``"always"``,
            ``"on_crash"``, or a `RestartPolicy`.
        start_timeout: Seconds within which all nodes must have answered; a start that takes
            longer fails, and what had started is stopped. ``None``: 10, and 0.4 a node.
        sample_interval: Seconds between two samples of a node's metrics, at least 0.01.
        uss_every: Seconds between two readings of ``memory_uss``, at least 0.1: the memory that
            would be freed if the node ended. Each takes 0.5 ms and more, with no time for the
            node's servers. ``None`` (the default) for never; a system that does not tell has none.
        detect_after: Seconds without a sign of life after which a link counts as down.
        config: Settings that every node's servers can read.
        limits: What each node may use of the machine, unless it has limits of its own.
        name_resolver: Who keeps a name that servers on both sides of a partition took, when it
            heals: called with (name, pid, pid), it returns the pid that keeps it, or ``None`` for
            neither; the others are killed. A function or its text ``"package.module:function"``;
            each node calls it alone, so that it must say the same everywhere. When left out, the
            holder on the node with the smaller name keeps it, and so it does when yours raises.
        name: The cluster's name, for display; ``None`` for one that is made up.

    Raises:
        InvalidArgument: Something is wrong; the path says where: ``nodes[2].limits.open_files``.

    Examples:
        >>> spec = ClusterSpec(nodes=4, topology="ring")
        >>> spec.names
        ('n1', 'n2', 'n3', 'n4')
        >>> len(spec.edges)
        4
        >>> ClusterSpec.from_dict({"nodes": ["a", {"name": "b", "limits": {"open_files": -1}}]})
        Traceback (most recent call last):
        ...
        resilkit.errors.InvalidArgument: nodes[1].limits.open_files: is out of range, got -1; \
allowed: a whole number >= 32
    """

    nodes: int | Sequence[NodeSpec | str] = 3
    topology: str | Mapping[str, Any] | Iterable[Edge] = field(default="mesh", kw_only=True)
    latency: LinkLatency | float | tuple[float, float] | None = field(default=None, kw_only=True)
    seed: int | None = field(default=None, kw_only=True)
    restart: RestartPolicy | str = field(default="never", kw_only=True)
    start_timeout: float | None = field(default=None, kw_only=True)
    sample_interval: float = field(default=0.2, kw_only=True)
    uss_every: float | None = field(default=None, kw_only=True)
    detect_after: float = field(default=5.0, kw_only=True)
    config: Mapping[str, Any] = field(default_factory=dict, kw_only=True, hash=False)
    limits: Limits | None = field(default=None, kw_only=True)
    name_resolver: resolvers.Resolver | str = field(default=keep_lower, kw_only=True)
    name: str | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        nodes = _nodes(self.nodes)
        names = [node.name for node in nodes]
        seed = self.seed
        clean: dict[str, Any] = {
            "nodes": nodes,
            "topology": validated_topology(self.topology, names),
            "latency": LinkLatency.of(self.latency),
            "seed": seed
            if seed is None
            else validate.number(seed, "seed", low=0, high=2**63 - 1, integer=True),
            "restart": RestartPolicy.of(self.restart),
            "start_timeout": None
            if self.start_timeout is None
            else validate.duration(self.start_timeout, "start_timeout", allow_zero=False),
            "sample_interval": validate.number(
                self.sample_interval, "sample_interval", low=0.01, high=3600
            ),
            "uss_every": None
            if self.uss_every is None
            else validate.number(self.uss_every, "uss_every", low=0.1, high=3600),
            "detect_after": validate.duration(self.detect_after, "detect_after", allow_zero=False),
            "config": spec_parts.config(self.config, "config"),
            "limits": spec_parts.limits(self.limits, "limits"),
            "name_resolver": resolvers.checked(self.name_resolver, "name_resolver"),
            "name": None if self.name is None else validate.name(self.name, "name"),
        }
        for key, value in clean.items():
            object.__setattr__(self, key, value)

    def __repr__(self) -> str:
        shape = self.topology
        links = shape if isinstance(shape, str) else plain(len(self.edges), "link")
        seed = "" if self.seed is None else f", seed {self.seed}"
        return f"<ClusterSpec {few(self.names, 6)}; {links}{seed}>"

    def _repr_html_(self) -> str:
        from resilkit.cluster.display_specs import cluster_spec_html

        return cluster_spec_html(self)

    @classmethod
    def of_options(cls, spec: ClusterSpec | int | None, options: Mapping[str, Any]) -> ClusterSpec:
        """Return a whole spec, which then carries all settings itself, or one of these fields.

        Args:
            spec: The whole one; an integer: how many nodes.
            options: The fields.

        Raises:
            InvalidArgument: One of them is unknown, or wrong.
        """
        if isinstance(spec, int):
            options, spec = {**options, "nodes": spec}, None
        if spec is None:
            names = [each.name for each in dataclasses.fields(cls)]
            given: dict[str, Any] = validate.known_keys(options, "", names)
            return cls(**given)
        if not isinstance(spec, ClusterSpec):
            raise InvalidArgument(
                "must be a ClusterSpec", path="spec", value=spec, allowed="Cluster(nodes=3, …)"
            )
        if options:
            raise InvalidArgument(
                "a ClusterSpec carries all settings itself", path=next(iter(options)), value=options
            )
        return spec

    def validated(self) -> Self:
        """Return this spec: it was checked whole when it was made."""
        return self

    @property
    def node_specs(self) -> tuple[NodeSpec, ...]:
        """The nodes, in order."""
        return cast("tuple[NodeSpec, ...]", self.nodes)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the nodes, in order."""
        return tuple(node.name for node in self.node_specs)

    @property
    def edges(self) -> frozenset[Edge]:
        """The links, each once, as pairs of names in the order of the nodes."""
        return links(cast("str | tuple[Edge, ...]", self.topology), self.names)

    @property
    def link_latency(self) -> LinkLatency | None:
        """What links add to the time of a message; ``None`` for nothing."""
        return cast("LinkLatency | None", self.latency)

    def node(self, name: str) -> NodeSpec:
        """Return the node called `name` with the cluster's settings where it has none.

        Raises:
            InvalidArgument: No node has that name.
        """
        validate.choice(name, "name", self.names)
        spec = next(node for node in self.node_specs if node.name == name)
        return self.settled(spec)

    def settled(self, spec: NodeSpec) -> NodeSpec:
        """Return `spec`, of this cluster or new to it, with the cluster's settings filled in."""
        spec = spec.validated()
        return dataclasses.replace(
            spec,
            config={**self.config, **spec.config},
            limits=self.limits if spec.limits is None else spec.limits,
            restart=self.restart if spec.restart is None else spec.restart,
        )

    @property
    def patience(self) -> float:
        """Seconds that a start may take: `start_timeout`, or what fits the number of nodes."""
        if self.start_timeout is not None:
            return self.start_timeout
        return 10.0 + 0.4 * len(self.names)

    def to_dict(self) -> dict[str, Any]:
        """Return the spec for a manifest.

        `from_dict` reads it back, but for applications and a resolver that no module holds.
        """
        nodes: Any = [node.to_dict() for node in self.node_specs]
        if nodes == [{"name": each} for each in _default_names(len(nodes))]:
            nodes = len(nodes)
        topology = self.topology
        return {
            "nodes": nodes,
            "topology": topology
            if isinstance(topology, str)
            else {"custom": [list(edge) for edge in cast("tuple[Edge, ...]", topology)]},
            "latency": self.link_latency and self.link_latency.to_dict(),
            "seed": self.seed,
            "restart": RestartPolicy.of(self.restart).to_dict(),
            "start_timeout": self.start_timeout,
            "sample_interval": self.sample_interval,
            "uss_every": self.uss_every,
            "detect_after": self.detect_after,
            "config": dict(self.config),
            "limits": self.limits and self.limits.to_dict(),
            "name_resolver": resolvers.described(self.name_resolver),
            "name": self.name,
        }

    @classmethod
    def from_dict(cls, mapping: object) -> Self:
        """Read a spec from a file's mapping; durations and sizes may be text.

        Raises:
            InvalidArgument: A key is unknown or a value is wrong; its path says which.

        Examples:
            >>> ClusterSpec.from_dict({"nodes": 2, "start_timeout": "1 min"}).start_timeout
            60.0
            >>> ClusterSpec.from_dict({"topologi": "ring"})
            Traceback (most recent call last):
            ...
            resilkit.errors.InvalidArgument: topologi: is an unknown key (did you mean \
'topology'?); allowed: 'nodes', 'topology', 'latency', 'seed', 'restart', 'start_timeout', \
'sample_interval', 'uss_every', 'detect_after', 'config', 'limits', \
'name_resolver', 'name'
        """
        keys = [each.name for each in dataclasses.fields(cls)]
        given: dict[str, Any] = validate.known_keys(mapping, "", keys)
        for key in ("start_timeout", "sample_interval", "uss_every", "detect_after"):
            if given.get(key) is not None:
                given[key] = amounts.parse_duration(given[key], key)
        if given.get("limits") is not None:
            given["limits"] = Limits.from_dict(given["limits"])
        nodes = given.get("nodes")
        if isinstance(nodes, list | tuple):
            given["nodes"] = [
                each if isinstance(each, NodeSpec) else NodeSpec.from_dict(each, f"nodes[{index}]")
                for index, each in enumerate(nodes)
            ]
        return cls(**given)


def _default_names(count: int) -> list[str]:
    return [f"n{number}" for number in range(1, count + 1)]


def _nodes(nodes: object) -> tuple[NodeSpec, ...]:
    allowed = f"1 to {MOST_NODES}, or the nodes' names and NodeSpecs"
    if isinstance(nodes, str | bytes | Mapping) or not isinstance(nodes, Iterable):
        try:
            count = validate.number(nodes, "nodes", low=1, high=MOST_NODES, integer=True)
        except InvalidArgument as error:
            raise InvalidArgument(
                error.message, path="nodes", value=nodes, allowed=allowed
            ) from None
        return tuple(NodeSpec(name) for name in _default_names(count))
    given = list(nodes)
    if not 1 <= len(given) <= MOST_NODES:
        raise InvalidArgument(f"names {len(given)} nodes", path="nodes", allowed=allowed)
    found: dict[str, int] = {}
    specs = []
    for index, each in enumerate(given):
        path = f"nodes[{index}]"
        if isinstance(each, str):
            each = NodeSpec(validate.name(each, path))  # noqa: PLW2901 - the plain form of the same
        if not isinstance(each, NodeSpec):
            raise InvalidArgument(
                "is no node", path=path, value=each, allowed="a name or a NodeSpec"
            )
        spec = each.validated(path)
        if spec.name in found:
            message = f"is the name of nodes[{found[spec.name]}] already"
            raise InvalidArgument(message, path=f"{path}.name", value=spec.name)
        found[spec.name] = index
        specs.append(spec)
    return tuple(specs)
