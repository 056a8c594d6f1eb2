package encode

var serveGen = Format{
	Name:        "servegen",
	Description: "ServeGen's folder of clients: rates, CVs and lengths by 10 minutes",
	Folder:      true,
	counts:      true, origin: OriginFirst, lengths: true,
	carries: carrying("client"),
}
