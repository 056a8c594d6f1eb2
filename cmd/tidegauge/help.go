package main

import (
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"tidegauge/config"
)

// helpWidth is where flags' descriptions are wrapped: narrow enough for half a screen, the same on every machine.
const helpWidth = 110

// usageText is cobra's own, but that the flags which are settings (and so may stand in the environment and in the file
// too) are listed after those that belong to the command.
func usageText(c *cobra.Command) error {
	var b strings.Builder
	b.WriteString("Usage:\n")
	if c.Runnable() && c.HasParent() {
		b.WriteString("  " + c.UseLine() + "\n")
	}
	if c.HasAvailableSubCommands() {
		b.WriteString("  " + c.CommandPath() + " COMMAND [flags]\n")
	}
	if c.HasExample() {
		b.WriteString("\nExamples:\n" + strings.TrimRight(c.Example, " \n") + "\n")
	}
	if c.HasAvailableSubCommands() {
		writeCommands(&b, c)
	}
	var own, settings, global pflag.FlagSet
	for _, set := range []*pflag.FlagSet{&own, &settings, &global} {
		set.SortFlags = false
	}
	c.LocalFlags().VisitAll(func(f *pflag.Flag) {
		switch {
		case f.Name == "config" || config.IsSetting(f) && !c.HasParent():
			global.AddFlag(f)
		case config.IsSetting(f):
			settings.AddFlag(f)
		default:
			own.AddFlag(f)
		}
	})
	c.InheritedFlags().VisitAll(global.AddFlag)
	for _, section := range []struct {
		title string
		flags *pflag.FlagSet
	}{{"Flags:", &own}, {"Settings (also in the environment and the configuration file, see tidegauge config --help):", &settings},
		{"Settings of every command:", &global}} {
		if section.flags.HasAvailableFlags() {
			b.WriteString("\n" + section.title + "\n" + strings.TrimRight(section.flags.FlagUsagesWrapped(helpWidth), " \n") + "\n")
		}
	}
	if c.HasAvailableSubCommands() {
		b.WriteString("\n`" + c.CommandPath() + " COMMAND --help` says more about a command.\n")
	}
	_, err := c.OutOrStderr().Write([]byte(b.String()))
	return err
}

// writeCommands lists the commands below c by their groups.
func writeCommands(b *strings.Builder, c *cobra.Command) {
	list := func(group string) {
		for _, sub := range c.Commands() {
			if sub.GroupID == group && (sub.IsAvailableCommand() || sub.Name() == "help") {
				b.WriteString("  " + sub.Name() + strings.Repeat(" ", max(1, sub.NamePadding()-len(sub.Name())+2)) + sub.Short + "\n")
			}
		}
	}
	if len(c.Groups()) == 0 {
		b.WriteString("\nCommands:\n")
		list("")
		return
	}
	for _, g := range c.Groups() {
		b.WriteString("\n" + g.Title + "\n")
		list(g.ID)
	}
}
